using System.Net;
using System.Net.Sockets;
using System.Text;

namespace PyProxy.Gateway.Tests.Functional;

/// <summary>CONNECT over HTTP/2 (RFC 9113 §8.5), in the clear and inside TLS, by a client that half-closes. Node, because HttpClient has no such thing.</summary>
public sealed class Http2ConnectTests : IAsyncLifetime
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private GatewayServer _gateway = null!;

    public async ValueTask InitializeAsync()
    {
        _listener.Start();
        _gateway = await GatewayServer.StartAsync(gateway: """ "Egress": { "AllowedAddresses": [ "127.0.0.1" ], "ConnectPorts": [ "*" ] } """);
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        await _gateway.DisposeAsync();
    }

    [Theory]
    [InlineData("H2c")]
    [InlineData("Secure")]
    public async Task ClientHalfClose_LeavesTheAnswerOpen(string endpoint)
    {
        var node = NodeAsync(endpoint, "tunnel.end('question');");
        using (var destination = await AcceptAsync(node))
        {
            Assert.Equal("question", Encoding.ASCII.GetString(await destination.ReadToEndAsync()));
            await destination.SendAsync("answer");
        }

        await LetGoAsync();
        Assert.Equal("200 h2 answer", await node);
    }

    [Theory]
    [InlineData("H2c")]
    [InlineData("Secure")]
    public async Task DestinationHalfClose_LeavesTheClientTalking(string endpoint)
    {
        var node = NodeAsync(endpoint, "tunnel.on('end', () => tunnel.end('last words'));");
        using var destination = await AcceptAsync(node);
        await destination.SendAsync("greeting");
        destination.ShutdownSend();

        Assert.Equal("last words", Encoding.ASCII.GetString(await destination.ReadToEndAsync()));
        await LetGoAsync();
        Assert.Equal("200 h2 greeting", await node);
    }

    /// <summary>A name that Kestrel's reading of an HTTP/1.1 target does not take passes here as it is.</summary>
    [Fact]
    public async Task NameWithUnderscore_IsLookedUp()
        => Assert.StartsWith("502 h2 ", await NodeAsync("H2c", "tunnel.end();", target: "no_such_name.invalid:443"), StringComparison.Ordinal);

    /// <summary>Node keeps its connection until it hears so: what it does by itself would race what the test looks at.</summary>
    private async Task LetGoAsync()
    {
        using var gate = await RawClient.AcceptAsync(_listener);
        await gate.SendAsync("go");
    }

    private async Task<RawClient> AcceptAsync(Task<string> node)
    {
        var accepting = RawClient.AcceptAsync(_listener);
        if (await Task.WhenAny(accepting, node) == node)
        {
            Assert.Fail(await node); // it was refused, or node is missing
        }

        return await accepting;
    }

    /// <summary>Opens a tunnel to the test's listener.</summary>
    /// <returns>Status, the protocol of the connection, and what came through the tunnel, once both directions have ended.</returns>
    private async Task<string> NodeAsync(string endpoint, string afterwards, string? target = null)
    {
        var credentials = Convert.ToBase64String(Encoding.UTF8.GetBytes($"alice:{GatewayServer.Password}"));
        var (_, output) = await Tool.RunAsync("node", "nodejs", $$"""
            const client = require('http2').connect('{{_gateway.Url(endpoint)}}', { rejectUnauthorized: false });
            const connect = () => client.request({ ':method': 'CONNECT', ':authority': '{{target ?? _listener.LocalEndpoint.ToString()}}',
              'proxy-authorization': 'Basic {{credentials}}' }, { endStream: false });
            const tunnel = connect();
            let text = '';
            let status = 0;
            tunnel.setEncoding('latin1');
            tunnel.on('response', fields => { status = fields[':status']; {{afterwards}} });
            tunnel.on('data', data => text += data);
            tunnel.on('close', () => {
              console.log(status + ' ' + (client.alpnProtocol || '').replace('h2c', 'h2') + ' ' + text.replace(/\s+/g, ' ') + (tunnel.rstCode ? ' reset ' + tunnel.rstCode : ''));
              if (status !== 200) client.close();
              else { const gate = connect(); gate.on('data', () => { gate.end(); client.close(); }); }
            });
            tunnel.on('error', error => console.log(error.message));
            """, "-");
        return output.TrimEnd('\n');
    }
}
