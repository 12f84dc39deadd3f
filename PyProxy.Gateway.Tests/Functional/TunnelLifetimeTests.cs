using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using PyProxy.Gateway.Telemetry;

namespace PyProxy.Gateway.Tests.Functional;

/// <summary>A tunnel of HTTP/1.1 or SOCKS5 goes on when its request has ended: what was counted for it stays counted, its record waits for its end.</summary>
public sealed class TunnelLifetimeTests : IAsyncLifetime
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private GatewayServer _gateway = null!;

    private int TargetPort => ((IPEndPoint)_listener.LocalEndpoint).Port;

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
    [InlineData("Open")]
    [InlineData("Secure")]
    [InlineData("Socks")]
    public async Task Tunnel_IsLiveUntilItEnds_AndThenRecordedOnce(string way)
    {
        var live = _gateway.Services.GetRequiredService<LiveExchanges>();
        using var client = await RawClient.ConnectAsync(_gateway.Port(way));
        await using (var stream = await OpenAsync(way, client))
        {
            using var destination = await RawClient.AcceptAsync(_listener);
            await stream.WriteAsync("ping"u8.ToArray(), TestContext.Current.CancellationToken);
            await destination.SendAsync(await destination.ReadAsync(4) + "+pong");
            var answer = new byte[9];
            await stream.ReadExactlyAsync(answer, TestContext.Current.CancellationToken);
            Assert.Equal("ping+pong", Encoding.ASCII.GetString(answer));
            Assert.Equal(1, live.CountTunnels());
        }

        client.Dispose();
        await EventuallyAsync(() => live.CountTunnels() == 0);
        await _gateway.StopAsync();
        var record = JsonSerializer.Deserialize<JsonElement>(Assert.Single((await _gateway.AccessLogAsync()).TrimEnd().Split('\n')));
        Assert.Equal("CONNECT", record.GetProperty("method").GetString());
        Assert.Equal($"127.0.0.1:{TargetPort}", record.GetProperty("target").GetString());
        Assert.Equal(200, record.GetProperty("status").GetInt32());
        Assert.Equal((4, 9), (record.GetProperty("bytes_in").GetInt32(), record.GetProperty("bytes_out").GetInt32()));
    }

    private static async Task EventuallyAsync(Func<bool> condition)
    {
        for (var waited = TimeSpan.Zero; !condition(); waited += TimeSpan.FromMilliseconds(10))
        {
            Assert.True(waited < RawClient.Patience);
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    private async Task<Stream> OpenAsync(string way, RawClient client)
    {
        Stream stream = new NetworkStream(client.Socket);
        if (way == "Socks")
        {
            await stream.WriteAsync(
                (byte[])[5, 1, 2, 1, 5, .. "alice"u8, (byte)GatewayServer.Password.Length, .. Encoding.ASCII.GetBytes(GatewayServer.Password), 5, 1, 0, 1, 127, 0, 0, 1, (byte)(TargetPort >> 8), (byte)TargetPort],
                TestContext.Current.CancellationToken);
            await stream.ReadExactlyAsync(new byte[2 + 2 + 10], TestContext.Current.CancellationToken);
            return stream;
        }

        if (way == "Secure")
        {
            var tls = new SslStream(stream, leaveInnerStreamOpen: false, static (_, _, _, _) => true);
            await tls.AuthenticateAsClientAsync("localhost");
            stream = tls;
        }

        await stream.WriteAsync(Encoding.ASCII.GetBytes($"CONNECT 127.0.0.1:{TargetPort} HTTP/1.1\r\nHost: x\r\n\r\n"), TestContext.Current.CancellationToken);
        await stream.ReadExactlyAsync(new byte["HTTP/1.1 200 Connection established\r\n\r\n".Length], TestContext.Current.CancellationToken);
        return stream;
    }
}
