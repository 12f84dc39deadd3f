using System.Diagnostics;
using System.Net;
using System.Net.WebSockets;
using PyProxy.Gateway.Limits.Bandwidth;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Limits.Bandwidth;

/// <summary>One plan's bandwidth on every way in: bytes cannot come faster than the plan says, and they all come.</summary>
public sealed class BandwidthOnEveryWayTests : IAsyncLifetime
{
    private const int Size = 600_000;

    // 600 KB at 500 KB/s with 50 KB at once: 1.1 s. A slow machine takes longer; a limit that is passed by takes no time.
    private static readonly TimeSpan Least = TimeSpan.FromSeconds(1);

    private const string Policy = """
        "Egress": { "AllowedAddresses": [ "127.0.0.0/8", "::1" ], "ConnectPorts": [ "*" ] },
        "Plans": { "slow": { "Bandwidth": { "Down": "500KB/s", "Up": "500KB/s" } } }
        """;

    private OriginServer _origin = null!;
    private GatewayServer _gateway = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Credentials => $"alice:{GatewayServer.Password}";

    public async ValueTask InitializeAsync()
    {
        _origin = await OriginServer.StartAsync(endpoints: static app =>
        {
            app.UseWebSockets();
            app.MapGet("/bytes", static () => TypedResults.Bytes(new byte[Size]));
            app.MapPost("/drain", static async (HttpContext context) =>
            {
                await context.Request.Body.CopyToAsync(Stream.Null, context.RequestAborted);
            });
            app.Map("/ws", SendOverWebSocketAsync);
        });
        _gateway = await GatewayServer.StartAsync(_origin.Address, Policy, static text => text
            .Replace("\"Role\": \"Reverse\"", "\"Role\": \"Reverse\", \"Plan\": \"slow\"", StringComparison.Ordinal)
            .Replace("\"alice\": {", "\"alice\": { \"Plan\": \"slow\", ", StringComparison.Ordinal));
    }

    public async ValueTask DisposeAsync()
    {
        await _gateway.DisposeAsync();
        await _origin.DisposeAsync();
    }

    public static TheoryData<string> Ways => ["absolute", "connect", "socks", "reverse"];

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Download_IsHeldBack(string way)
    {
        var clock = Stopwatch.StartNew();
        var (exit, output) = await CurlAsync(way, "/bytes", "-w", "%{size_download}", "-o", "/dev/null");

        Assert.Equal((0, $"{Size}"), (exit, output));
        Assert.InRange(clock.Elapsed, Least, TimeSpan.FromMinutes(1));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Upload_IsHeldBack(string way)
    {
        using var directory = new TemporaryDirectory("upload");
        var file = directory.File("body");
        await File.WriteAllBytesAsync(file, new byte[Size], Cancellation);
        var clock = Stopwatch.StartNew();
        var (exit, output) = await CurlAsync(
            way, "/drain", "-w", "%{http_code} %{size_upload}", "-o", "/dev/null", "-H", "Expect:", "--data-binary", "@" + file);

        Assert.Equal((0, $"200 {Size}"), (exit, output));
        Assert.InRange(clock.Elapsed, Least, TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task WebSocket_IsHeldBack()
    {
        using var socket = new ClientWebSocket();
        var clock = Stopwatch.StartNew();
        await socket.ConnectAsync(new UriBuilder(_gateway.Url("Web")) { Scheme = "ws", Path = "/ws" }.Uri, Cancellation);
        var buffer = new byte[64 * 1024];
        var received = 0;
        while (await socket.ReceiveAsync(buffer, Cancellation) is { MessageType: not WebSocketMessageType.Close } result)
        {
            received += result.Count;
        }

        Assert.Equal(Size, received);
        Assert.InRange(clock.Elapsed, Least, TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task ManyConnectionsOfOneUser_ShareOneBucket()
    {
        using var client = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = true,
            Proxy = new WebProxy(_gateway.Url("Proxy")) { Credentials = new NetworkCredential("alice", GatewayServer.Password) },
        });
        var clock = Stopwatch.StartNew();
        var bodies = await Task.WhenAll(
            Enumerable.Range(0, 3).Select(_ => client.GetByteArrayAsync(new Uri(_origin.Address, "/bytes"), Cancellation)));

        Assert.All(bodies, body => Assert.Equal(Size, body.Length));
        Assert.InRange(clock.Elapsed, 3 * Least, TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task AbortedTransfer_LeavesNobodyUsingTheBucket()
    {
        using var client = new HttpClient();
        using (var answer = await client.GetAsync(new Uri(_gateway.Url("Web"), "/bytes"), HttpCompletionOption.ResponseHeadersRead, Cancellation))
        {
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }

        var limiter = (BandwidthLimiter)_gateway.Services.GetService(typeof(BandwidthLimiter))!;
        var deadline = Stopwatch.StartNew();
        while (limiter.UsedBuckets > 0 && deadline.Elapsed < TimeSpan.FromSeconds(30))
        {
            await Task.Delay(20, Cancellation);
        }

        Assert.Equal(0, limiter.UsedBuckets);
    }

    private Task<(int ExitCode, string Output)> CurlAsync(string way, string path, params string[] more) => Curl.RunAsync(
    [
        .. way switch
        {
            "absolute" => (string[])["--proxy", _gateway.Url("Proxy").ToString(), "--proxy-user", Credentials],
            "connect" => ["--proxy", _gateway.Url("Proxy").ToString(), "--proxytunnel", "--proxy-user", Credentials],
            "socks" => ["--socks5-hostname", _gateway.Url("Socks").Authority, "--proxy-user", Credentials],
            _ => [],
        },
        .. more,
        new Uri(way == "reverse" ? _gateway.Url("Web") : _origin.Address, path).ToString(),
    ]);

    private static async Task SendOverWebSocketAsync(HttpContext context)
    {
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        for (var sent = 0; sent < Size; sent += 20_000)
        {
            await socket.SendAsync(new byte[20_000], WebSocketMessageType.Binary, endOfMessage: true, context.RequestAborted);
        }

        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, context.RequestAborted);
    }
}
