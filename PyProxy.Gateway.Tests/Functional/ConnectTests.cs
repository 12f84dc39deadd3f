using System.Net;
using System.Net.Sockets;
using System.Text;

namespace PyProxy.Gateway.Tests.Functional;

/// <summary>CONNECT over HTTP/1.1 through the whole gateway, byte for byte.</summary>
public sealed class ConnectTests : IAsyncLifetime
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private OriginServer _origin = null!;
    private GatewayServer _gateway = null!;

    private string Target => _listener.LocalEndpoint.ToString()!;

    public async ValueTask InitializeAsync()
    {
        _listener.Start();
        _origin = await OriginServer.StartAsync();
        _gateway = await GatewayServer.StartAsync(gateway: """
            "Egress": { "AllowedAddresses": [ "127.0.0.1" ], "ConnectPorts": [ "*" ] }
            """);
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        await _gateway.DisposeAsync();
        await _origin.DisposeAsync();
    }

    [Fact]
    public async Task DataBehindTheHead_IsNotLost()
    {
        using var client = await RawClient.ConnectAsync(_gateway.Port("Open"));
        await client.SendAsync(Head() + "early");
        using var destination = await RawClient.AcceptAsync(_listener);

        Assert.Equal("early", await destination.ReadAsync(5));
        Assert.StartsWith("HTTP/1.1 200", await client.ReadHeadAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ClientHalfClose_LeavesTheAnswerOpen()
    {
        var (client, destination) = await OpenAsync();
        using (client)
        using (destination)
        {
            await client.SendAsync("question");
            client.ShutdownSend();
            Assert.Equal("question", Encoding.ASCII.GetString(await destination.ReadToEndAsync()));

            await destination.SendAsync("answer");
            destination.ShutdownSend();
            Assert.Equal("answer", Encoding.ASCII.GetString(await client.ReadToEndAsync()));
        }
    }

    /// <summary>As <c>nc -N</c> does it: all that it has to say, and its end, before anybody has answered.</summary>
    [Theory]
    [InlineData("Open")]
    [InlineData("Socks")]
    [InlineData("Open, in pieces")]
    public async Task ClientHalfCloseBeforeTheTunnelStands_LeavesTheAnswerOpen(string way)
    {
        using var client = await RawClient.ConnectAsync(_gateway.Port(way.Split(',')[0]));
        if (way == "Socks")
        {
            var port = ((IPEndPoint)_listener.LocalEndpoint).Port;
            await client.SendAsync(
                (byte[])[5, 1, 2, 1, 5, .. "alice"u8, (byte)GatewayServer.Password.Length, .. Encoding.ASCII.GetBytes(GatewayServer.Password), 5, 1, 0, 1, 127, 0, 0, 1, (byte)(port >> 8), (byte)port, .. "question"u8]);
        }
        else if (way == "Open")
        {
            await client.SendAsync(Head() + "question");
        }
        else
        {
            await client.SendAsync(Head()[..20]);
            await client.SendAsync(Head()[20..] + "ques");
            await client.SendAsync("tion");
        }

        client.ShutdownSend();
        using (var destination = await RawClient.AcceptAsync(_listener))
        {
            Assert.Equal("question", Encoding.ASCII.GetString(await destination.ReadToEndAsync()));
            await destination.SendAsync("answer");
        }

        Assert.EndsWith("answer", Encoding.Latin1.GetString(await client.ReadToEndAsync()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task DestinationHalfClose_LeavesTheClientTalking()
    {
        var (client, destination) = await OpenAsync();
        using (client)
        using (destination)
        {
            await destination.SendAsync("greeting");
            destination.ShutdownSend();
            Assert.Equal("greeting", Encoding.ASCII.GetString(await client.ReadToEndAsync()));

            await client.SendAsync("last words");
            client.ShutdownSend();
            Assert.Equal("last words", Encoding.ASCII.GetString(await destination.ReadToEndAsync()));
        }
    }

    [Fact]
    public async Task SlowReader_GetsEverythingBeforeTheEnd()
    {
        var bytes = new byte[8 * 1024 * 1024];
        new Random(1).NextBytes(bytes);
        var (client, destination) = await OpenAsync(receiveBuffer: 64 * 1024);
        using (client)
        {
            var sending = SendAndCloseAsync(destination, bytes);
            var received = await client.ReadToEndAsync();
            client.ShutdownSend();
            await sending;
            Assert.True(bytes.AsSpan().SequenceEqual(received), $"{received.Length} bytes received");
        }
    }

    /// <summary>The destination has sent everything and is gone before the client reads its first byte, and then it reads in sips.</summary>
    [Fact]
    public async Task ReallySlowReader_GetsWhatADestinationLeftBehind()
    {
        const int Sip = 1000;
        var bytes = new byte[300 * Sip];
        new Random(2).NextBytes(bytes);
        using var client = await RawClient.ConnectAsync(_gateway.Port("Open"), receiveBuffer: 4096);
        using (var destination = await TunnelAsync(client, Head()))
        {
            destination.Socket.SendBufferSize = bytes.Length; // all of it is the kernel's: nothing waits for the client
            await destination.SendAsync(bytes);
        }

        for (var read = 0; read < bytes.Length; read += Sip)
        {
            Assert.Equal(Encoding.Latin1.GetString(bytes, read, Sip), await client.ReadAsync(Sip));
        }

        Assert.Empty(await client.ReadToEndAsync());
    }

    [Fact]
    public async Task AfterAnotherRequestOnTheConnection_Tunnels()
    {
        using var client = await RawClient.ConnectAsync(_gateway.Port("Open"));
        await client.SendAsync($"HEAD {_origin.Address} HTTP/1.1\r\nHost: {_origin.Address.Authority}\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200", await client.ReadHeadAsync(), StringComparison.Ordinal);

        using var destination = await TunnelAsync(client, Head());
        await AssertEchoesAsync(client, destination);
    }

    [Fact]
    public async Task After407OnTheConnection_Tunnels()
    {
        using var client = await RawClient.ConnectAsync(_gateway.Port("Proxy"));
        await client.SendAsync(Head());
        var (head, _) = await client.ReadAnswerAsync();
        Assert.StartsWith("HTTP/1.1 407", head, StringComparison.Ordinal);
        Assert.Contains("Proxy-Authenticate: Basic", head, StringComparison.OrdinalIgnoreCase);

        var credentials = Convert.ToBase64String(Encoding.UTF8.GetBytes($"alice:{GatewayServer.Password}"));
        using var destination = await TunnelAsync(client, Head($"Proxy-Authorization: Basic {credentials}\r\n"));
        await AssertEchoesAsync(client, destination);
    }

    [Theory]
    [InlineData("127.0.0.1")] // without the port, as old clients send it
    [InlineData("elsewhere.example:1")]
    public async Task OtherHostField_Tunnels(string host)
    {
        using var client = await RawClient.ConnectAsync(_gateway.Port("Open"));
        using var destination = await TunnelAsync(client, $"CONNECT {Target} HTTP/1.1\r\nHost: {host}\r\n\r\n");

        await AssertEchoesAsync(client, destination);
    }

    private static async Task SendAndCloseAsync(RawClient destination, byte[] bytes)
    {
        using (destination)
        {
            await destination.SendAsync(bytes);
            destination.ShutdownSend();
            await destination.ReadToEndAsync();
        }
    }

    private static async Task AssertEchoesAsync(RawClient client, RawClient destination)
    {
        await client.SendAsync("ping");
        Assert.Equal("ping", await destination.ReadAsync(4));
        await destination.SendAsync("pong");
        Assert.Equal("pong", await client.ReadAsync(4));
    }

    private string Head(string fields = "") => $"CONNECT {Target} HTTP/1.1\r\nHost: {Target}\r\n{fields}\r\n";

    private async Task<(RawClient Client, RawClient Destination)> OpenAsync(int? receiveBuffer = null)
    {
        var client = await RawClient.ConnectAsync(_gateway.Port("Open"));
        if (receiveBuffer is { } size)
        {
            client.Socket.ReceiveBufferSize = size;
        }

        return (client, await TunnelAsync(client, Head()));
    }

    private async Task<RawClient> TunnelAsync(RawClient client, string head)
    {
        await client.SendAsync(head);
        var destination = await RawClient.AcceptAsync(_listener);
        Assert.StartsWith("HTTP/1.1 200", await client.ReadHeadAsync(), StringComparison.Ordinal);
        return destination;
    }
}
