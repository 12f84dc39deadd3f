using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using PyProxy.Gateway.Listeners;
using PyProxy.Gateway.Listeners.ProxyProtocol;

namespace PyProxy.Gateway.Tests.Listeners.ProxyProtocol;

public sealed class ProxyProtocolConnectionMiddlewareTests : IDisposable
{
    private const string Header = "PROXY TCP4 192.0.2.1 198.51.100.7 56324 443\r\n";

    private readonly RejectionCounter _counter = new();
    private readonly FakeTimeProvider _time = new();
    private readonly TaskCompletionSource _continued = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Dispose() => _counter.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task HeaderFromTrustedSender_BecomesTheConnectionsAddress(bool required)
    {
        var connection = new PipeConnection();
        await connection.SendAsync(Header + "data");
        await RunAsync(connection, Mode(required));
        Assert.Equal("192.0.2.1:56324", connection.Context.RemoteEndPoint?.ToString());
        Assert.Equal("198.51.100.7:443", connection.Context.LocalEndPoint?.ToString());
        Assert.Equal("data", await connection.ReadServerSideAsync());
        Assert.Empty(_counter.Reasons);
    }

    [Fact]
    public async Task HeaderByteByByte_BecomesTheConnectionsAddress()
    {
        var connection = new PipeConnection();
        var running = RunAsync(connection, ProxyProtocolMode.Required);
        foreach (var c in Header)
        {
            await connection.SendAsync(c.ToString());
        }

        await running;
        Assert.Equal("192.0.2.1:56324", connection.Context.RemoteEndPoint?.ToString());
    }

    [Fact]
    public async Task OptionalAndOtherBytes_PassAsSoonAsTheyRuleAHeaderOut()
    {
        var connection = new PipeConnection();
        var running = RunAsync(connection, ProxyProtocolMode.Optional);
        await connection.SendAsync("PR");
        await connection.SendAsync("I");
        await running;
        Assert.Equal("PRI", await connection.ReadServerSideAsync());
        Assert.Equal("127.0.0.1:40000", connection.Context.RemoteEndPoint?.ToString());
    }

    [Fact]
    public async Task OptionalAndEndBeforeAHeaderIsComplete_PassesWhatCame()
    {
        var connection = new PipeConnection();
        await connection.SendAsync("PRO");
        await connection.Client.Output.CompleteAsync();
        await RunAsync(connection, ProxyProtocolMode.Optional);
        Assert.Equal("PRO", await connection.ReadServerSideAsync());
    }

    [Fact]
    public async Task OptionalFromUntrustedSender_PassesTheHeaderAsData()
    {
        var connection = new PipeConnection(new IPEndPoint(IPAddress.Parse("203.0.113.9"), 1));
        await connection.SendAsync(Header);
        await RunAsync(connection, ProxyProtocolMode.Optional);
        Assert.Equal(Header, await connection.ReadServerSideAsync());
        Assert.Equal("203.0.113.9:1", connection.Context.RemoteEndPoint?.ToString());
    }

    [Fact]
    public async Task RequiredFromUntrustedSender_IsClosedAndCounted()
    {
        var connection = new PipeConnection(new IPEndPoint(IPAddress.Parse("203.0.113.9"), 1));
        await connection.SendAsync(Header);
        await AssertRejectedAsync(connection, ProxyProtocolMode.Required, "untrusted_sender");
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n\r\n", "malformed")]
    [InlineData("PROXY TCP4 nonsense\r\n", "malformed")]
    [InlineData("PROXY UNKNOWN 0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789", "oversized")]
    public async Task RequiredAndNoGoodHeader_IsClosedAndCounted(string bytes, string reason)
    {
        var connection = new PipeConnection();
        await connection.SendAsync(bytes);
        await AssertRejectedAsync(connection, ProxyProtocolMode.Required, reason);
    }

    [Theory]
    [InlineData(true, "")]
    [InlineData(true, "PROXY TCP4 ")]
    [InlineData(false, "PROXY TCP4 ")]
    public async Task SlowHeader_IsClosedAndCounted(bool required, string beginning)
    {
        var connection = new PipeConnection();
        await connection.SendAsync(beginning);
        var running = RunAsync(connection, Mode(required));
        _time.Advance(TimeSpan.FromSeconds(5));
        await running;
        await connection.AbortedAsync();
        Assert.Equal(["proxy_protocol:timeout"], _counter.Reasons);
        Assert.False(_continued.Task.IsCompleted);
    }

    [Fact]
    public async Task OptionalAndSilentClient_IsLeftToTheServersTimeouts()
    {
        var connection = new PipeConnection();
        var running = RunAsync(connection, ProxyProtocolMode.Optional);
        _time.Advance(TimeSpan.FromSeconds(5));
        await running;
        Assert.True(_continued.Task.IsCompleted);
        Assert.Empty(_counter.Reasons);
    }

    [Fact]
    public async Task HealthCheckThatOnlyConnects_IsNotCounted()
    {
        var connection = new PipeConnection();
        await connection.Client.Output.CompleteAsync();
        await RunAsync(connection, ProxyProtocolMode.Required);
        Assert.False(_continued.Task.IsCompleted);
        Assert.Empty(_counter.Reasons);
    }

    [Fact]
    public async Task Kestrel_ShowsTheConveyedAddress()
    {
        await using var server = await AdapterServer.StartAsync(
            listen => listen.UseProxyProtocol(ProxyProtocolMode.Required),
            context => context.Response.WriteAsync($"{context.Connection.RemoteIpAddress} {context.Connection.LocalPort}"),
            new Dictionary<string, string?>(StringComparer.Ordinal) { ["Gateway:Listeners:TrustedProxies:0"] = "127.0.0.0/8" });
        using var client = await server.ConnectAsync();
        await client.SendAsync(Header + "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        Assert.Contains("192.0.2.1 443", await client.ReceiveToEndAsync(), StringComparison.Ordinal);
    }

    private static ProxyProtocolMode Mode(bool required) => required ? ProxyProtocolMode.Required : ProxyProtocolMode.Optional;

    private async Task AssertRejectedAsync(PipeConnection connection, ProxyProtocolMode mode, string reason)
    {
        await RunAsync(connection, mode);
        await connection.AbortedAsync();
        Assert.Equal([$"proxy_protocol:{reason}"], _counter.Reasons);
        Assert.False(_continued.Task.IsCompleted);
    }

    private Task RunAsync(PipeConnection connection, ProxyProtocolMode mode)
    {
        var options = new StaticOptions<ListenerOptions>(new ListenerOptions { TrustedProxies = ["127.0.0.1"] });
        ConnectionDelegate next = _ =>
        {
            _continued.SetResult();
            return Task.CompletedTask;
        };
        var middleware = new ProxyProtocolConnectionMiddleware(
            next, mode, new TrustedProxies(options), options, _counter.Metrics, _time, NullLogger<ProxyProtocolConnectionMiddleware>.Instance);
        return middleware.OnConnectionAsync(connection.Context).WaitAsync(PipeConnection.Patience);
    }
}
