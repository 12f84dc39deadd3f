using System.Globalization;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using PyProxy.Gateway.Listeners;
using PyProxy.Gateway.Listeners.Socks;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Listeners.Socks;

/// <summary>The adapter over a connection in memory; what runs above it is the test.</summary>
public sealed class SocksConnectionMiddlewareTests : IDisposable
{
    private static readonly byte[] Domain = [5, 1, 0, 3, 11, .. "EXAMPLE.org"u8, 0x01, 0xBB];

    private readonly RejectionCounter _counter = new();
    private readonly FakeTimeProvider _time = new();
    private readonly PipeConnection _connection = new();

    public void Dispose() => _counter.Dispose();

    [Theory]
    [InlineData("0501000109090909" + "01BB", "9.9.9.9:443")]
    [InlineData("05010003" + "0B" + "4558414D504C452E6F7267" + "01BB", "example.org:443")]
    [InlineData("05010004" + "20010DB8000000000000000000000001" + "0050", "[2001:db8::1]:80")]
    [InlineData("05010003" + "03" + "3A3A31" + "0050", "[::1]:80")]
    public async Task Request_ReachesTheServerAsConnect(string request, string authority)
    {
        string? head = null;
        await AnonymousAsync(Convert.FromHexString(request), async context =>
        {
            var result = await context.Transport.Input.ReadAsync();
            head = Encoding.ASCII.GetString(result.Buffer);
            context.Transport.Input.AdvanceTo(result.Buffer.End);
            Assert.True((await context.Transport.Input.ReadAsync()).IsCompleted);
            await context.Transport.Output.WriteAsync("HTTP/1.1 502 Bad Gateway\r\n\r\n"u8.ToArray());
        });
        Assert.Equal($"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n\r\n", head);
        Assert.Equal("0500" + "05010001000000000000", await ReceivedAsync());
    }

    [Fact]
    public async Task Refusal_PicksTheReplyCode()
    {
        await AnonymousAsync(Domain, context =>
        {
            context.Features.Get<ITunnelRefusalFeature>()!.Refuse(ProxyErrors.ConnectionRefused("refused"));
            return Task.CompletedTask;
        });
        Assert.Equal("0500" + "05050001000000000000", await ReceivedAsync());
        Assert.Empty(_counter.Reasons); // the exchange's own record tells of it
    }

    [Fact]
    public async Task AcceptedTunnel_GetsSuccessAndBytesBehindTheRequest()
    {
        await AnonymousAsync([.. Domain, .. "early"u8], async context =>
        {
            await using var leg = await context.Features.Get<ITunnelFeature>()!.AcceptAsync(CancellationToken.None);
            var buffer = new byte[5];
            await leg.Stream.ReadExactlyAsync(buffer);
            await leg.Stream.WriteAsync(buffer);
            await leg.ShutdownSendAsync(CancellationToken.None);
        });
        Assert.Equal("0500" + "05000001000000000000" + Convert.ToHexString("early"u8), await ReceivedAsync());
    }

    [Fact]
    public async Task VerifiedUser_IsAFeatureOfTheConnection()
    {
        string? user = null;
        var running = RunAsync(context =>
        {
            user = context.Features.Get<IVerifiedUserFeature>()?.User.Name;
            return Task.CompletedTask;
        });
        await SendAndEndAsync([5, 2, 0, 2, 1, 5, .. "alice"u8, 6, .. "s3cret"u8, .. Domain]);
        await running;
        Assert.Equal("alice", user);
        Assert.Equal("0502" + "0100" + "05010001000000000000", await ReceivedAsync());
    }

    [Theory]
    [InlineData("01" + "05616C696365" + "0177")] // alice, w
    [InlineData("01" + "00" + "00")]
    [InlineData("01" + "01FF" + "01FF")] // not UTF-8
    [InlineData("05" + "05616C696365" + "06733363726574")] // another version
    public async Task WrongCredentials_AreRefused(string credentials)
    {
        await RejectedAsync([5, 1, 2, .. Convert.FromHexString(credentials)], allowAnonymous: true);
        Assert.Equal("0502" + "0101", await ReceivedAsync());
        Assert.Equal(["socks:unauthenticated"], _counter.Reasons);
    }

    [Theory]
    [InlineData("050100", false)] // nothing offered that this endpoint takes
    [InlineData("050101", true)] // GSSAPI
    [InlineData("0500", true)]
    public async Task NoAcceptableMethod_IsSaidSo(string greeting, bool allowAnonymous)
    {
        await RejectedAsync(Convert.FromHexString(greeting), allowAnonymous);
        Assert.Equal("05FF", await ReceivedAsync());
        Assert.Equal(["socks:no_acceptable_method"], _counter.Reasons);
    }

    [Theory]
    [InlineData("05020001090909090050", 7, "unsupported")] // BIND
    [InlineData("05030001000000000000", 7, "unsupported")] // UDP ASSOCIATE
    [InlineData("05010002", 8, "unsupported")] // no such address type
    [InlineData("04010001090909090050", 1, "malformed")] // version changes on the way
    [InlineData("05010001090909090000", 1, "malformed")] // port 0
    [InlineData("05010003000050", 4, "malformed")] // empty name
    [InlineData("0501000303610D0A0050", 4, "malformed")] // CR LF in the name
    [InlineData("0501000301FF0050", 4, "malformed")] // not UTF-8
    public async Task ImpossibleRequest_GetsItsReplyCode(string request, int code, string reason)
    {
        await RejectedAsync([5, 1, 0, .. Convert.FromHexString(request)], allowAnonymous: true);
        Assert.Equal("0500" + $"05{code.ToString("X2", CultureInfo.InvariantCulture)}0001000000000000", await ReceivedAsync());
        Assert.Equal([$"socks:{reason}"], _counter.Reasons);
    }

    [Fact]
    public async Task Socks4_IsRejectedInItsOwnWords()
    {
        await RejectedAsync([4, 1, 0, 80, 9, 9, 9, 9, 0], allowAnonymous: true);
        Assert.Equal("005B000000000000", await ReceivedAsync());
        Assert.Equal(["socks:wrong_protocol"], _counter.Reasons);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("CONNECT x:443 HTTP/1.1\r\n\r\n")]
    public async Task Http_IsToldWhatThisPortIs(string request)
    {
        await RejectedAsync(Encoding.ASCII.GetBytes(request), allowAnonymous: true);
        var answer = Encoding.ASCII.GetString(await _connection.ReceiveToEndAsync());
        Assert.StartsWith("HTTP/1.1 400 ", answer, StringComparison.Ordinal);
        var parts = answer.Split("\r\n\r\n");
        Assert.Contains($"Content-Length: {parts[1].Length}\r\n", parts[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task SlowHandshake_IsAbortedAndCounted()
    {
        var running = RunAsync(_ => Task.CompletedTask, allowAnonymous: true);
        await _connection.SendAsync(new byte[] { 5, 1, 0 });
        await _connection.ReceiveAsync(2);
        await _connection.SendAsync(new byte[] { 5, 1 });
        _time.Advance(TimeSpan.FromSeconds(10));
        await running;
        await _connection.AbortedAsync();
        Assert.Equal(["socks:timeout"], _counter.Reasons);
    }

    [Fact]
    public async Task ClientThatLeaves_IsNotCounted()
    {
        var running = RunAsync(_ => throw new InvalidOperationException("no request was made"));
        await SendAndEndAsync([5, 2]);
        await running;
        Assert.Empty(_counter.Reasons);
    }

    [Fact]
    public async Task HandshakeByteByByte_IsUnderstood()
    {
        var reached = false;
        var running = RunAsync(_ =>
        {
            reached = true;
            return Task.CompletedTask;
        });
        byte[] all = [5, 2, 0, 2, 1, 5, .. "alice"u8, 6, .. "s3cret"u8, .. Domain];
        foreach (var b in all)
        {
            await _connection.SendAsync(new[] { b });
        }

        await _connection.Client.Output.CompleteAsync();
        await running;
        Assert.True(reached);
    }

    private async Task AnonymousAsync(byte[] request, ConnectionDelegate next)
    {
        var running = RunAsync(next, allowAnonymous: true);
        await SendAndEndAsync([5, 1, 0, .. request]);
        await running;
        await _connection.Context.Transport.Output.CompleteAsync();
    }

    private async Task RejectedAsync(byte[] bytes, bool allowAnonymous)
    {
        var running = RunAsync(_ => throw new InvalidOperationException("nothing was to reach the server"), allowAnonymous);
        await SendAndEndAsync(bytes);
        await running;
    }

    private async Task SendAndEndAsync(byte[] bytes)
    {
        await _connection.SendAsync(bytes);
        await _connection.Client.Output.CompleteAsync();
    }

    private async Task<string> ReceivedAsync() => Convert.ToHexString(await _connection.ReceiveToEndAsync());

    private Task RunAsync(ConnectionDelegate next, bool allowAnonymous = false)
    {
        var context = _connection.Context;
        context.Features.Set<IConnectionTakeover>(new PipeTakeover(context));
        context.Features.Set<IListenerFeature>(new SocksListener(allowAnonymous));
        var middleware = new SocksConnectionMiddleware(
            next,
            new AliceVerifier(),
            new StaticOptions<ListenerOptions>(new ListenerOptions()),
            _counter.Metrics,
            _time,
            NullLogger<SocksConnectionMiddleware>.Instance);
        return middleware.OnConnectionAsync(context).WaitAsync(PipeConnection.Patience);
    }
}

internal sealed record SocksListener(bool AllowAnonymous) : IListenerFeature
{
    public string Name => "Socks";

    public ListenerRole Role => ListenerRole.Socks;
}
