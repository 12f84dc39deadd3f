using System.Net;
using System.Net.WebSockets;

namespace PyProxy.Gateway.Tests.Functional;

/// <summary>Clients as they are, through the forward proxy: bodies of every kind, WebSockets, and a proxy behind TLS.</summary>
public sealed class ForwardClientsTests : IAsyncLifetime
{
    private const int LargeBody = 64 * 1024 * 1024;

    private readonly SemaphoreSlim _nextEvent = new(0);
    private OriginServer _origin = null!;
    private GatewayServer _gateway = null!;

    public async ValueTask InitializeAsync()
    {
        _origin = await OriginServer.StartAsync(endpoints: app =>
        {
            app.Map("/ws", GreetAsync);
            app.MapGet("/events", EventsAsync);
            app.MapPost("/count", CountAsync);
            app.MapGet("/large", SendLargeAsync);
            app.MapPost("/echo", static context => context.Request.Body.CopyToAsync(context.Response.Body, context.RequestAborted));
            app.MapGet("/none", static () => Results.NoContent());
            app.MapGet("/same", static () => Results.StatusCode(StatusCodes.Status304NotModified));
        });
        _gateway = await GatewayServer.StartAsync(_origin.Address, """
            "Egress": { "AllowedAddresses": [ "127.0.0.1" ], "ConnectPorts": [ "*" ] }
            """);
    }

    public async ValueTask DisposeAsync()
    {
        await _gateway.DisposeAsync();
        await _origin.DisposeAsync();
        _nextEvent.Dispose();
    }

    [Fact]
    public async Task WebSocket_PassesThroughThePlainProxy()
    {
        var cancellation = TestContext.Current.CancellationToken;
        using var socket = new ClientWebSocket();
        socket.Options.Proxy = new WebProxy(_gateway.Url("Open"));

        await socket.ConnectAsync(new UriBuilder(_origin.Address) { Scheme = "ws", Path = "/ws" }.Uri, cancellation).WaitAsync(RawClient.Patience, cancellation);
        var buffer = new byte[16];
        var received = await socket.ReceiveAsync(buffer, cancellation).WaitAsync(RawClient.Patience, cancellation);

        Assert.Equal("hello"u8, buffer.AsSpan(0, received.Count));
    }

    /// <summary>ClientWebSocket tunnels; a client that upgrades by an absolute-form request is the other kind.</summary>
    [Fact]
    public async Task Upgrade_PassesInAbsoluteForm()
    {
        using var client = await RawClient.ConnectAsync(_gateway.Port("Open"));
        await client.SendAsync($"GET {_origin.Address}ws HTTP/1.1\r\nHost: {_origin.Address.Authority}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 101", await client.ReadHeadAsync(), StringComparison.Ordinal);
        Assert.Equal("\x81\x05hello", await client.ReadAsync(7));
    }

    [Fact]
    public async Task ExpectedContinue_IsAnswered()
    {
        using var client = ClientBehind("Open");
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_origin.Address, "/echo")) { Content = new StringContent("hello") };
        request.Headers.ExpectContinue = true;

        using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal("hello", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("GET", "/none", 204)]
    [InlineData("GET", "/same", 304)]
    [InlineData("HEAD", "/", 200)]
    public async Task AnswerWithoutABody_LeavesTheConnectionInOrder(string method, string path, int status)
    {
        using var client = await RawClient.ConnectAsync(_gateway.Port("Open"));
        for (var i = 0; i < 2; i++) // the second answer would begin with the remains of the first
        {
            await client.SendAsync($"{method} {new Uri(_origin.Address, path)} HTTP/1.1\r\nHost: {_origin.Address.Authority}\r\n\r\n");
            Assert.StartsWith($"HTTP/1.1 {status} ", await client.ReadHeadAsync(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task LargeBodies_PassBothWays()
    {
        using var client = ClientBehind("Open");

        using var upload = await client.PostAsync(new Uri(_origin.Address, "/count"), new ByteArrayContent(new byte[LargeBody]), TestContext.Current.CancellationToken);
        var download = await client.GetByteArrayAsync(new Uri(_origin.Address, "/large"), TestContext.Current.CancellationToken);

        Assert.Equal($"{LargeBody}", await upload.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal(LargeBody, download.Length);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ServerSentEvents_ArriveBeforeTheNextIsWritten(bool forward)
    {
        using var client = forward ? ClientBehind("Open") : new HttpClient();
        using var response = await client.GetAsync(
            new Uri(forward ? _origin.Address : _gateway.Url("Web"), "/events"), HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));

        for (var i = 0; i < 3; i++)
        {
            Assert.Equal($"data: {i}", await reader.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(RawClient.Patience, TestContext.Current.CancellationToken));
            await reader.ReadLineAsync(TestContext.Current.CancellationToken);
            _nextEvent.Release();
        }
    }

    [Fact]
    public async Task HttpClient_PassesThroughAProxyBehindTls()
    {
        using var client = ClientBehind("Secure");

        Assert.Equal("origin", await client.GetStringAsync(_origin.Address, TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("--proxytunnel")]
    [InlineData("--no-proxytunnel")]
    public async Task Curl_PassesThroughAProxyBehindTls(string way)
    {
        var (exit, output) = await Curl.RunAsync("--proxy", _gateway.Url("Secure").ToString(), "--proxy-insecure", way, _origin.Address.ToString());

        Assert.Equal((0, "origin"), (exit, output));
    }

    private HttpClient ClientBehind(string endpoint) => new(new SocketsHttpHandler
    {
        Proxy = new WebProxy(_gateway.Url(endpoint)),
        SslOptions = { RemoteCertificateValidationCallback = static (_, _, _, _) => true },
        Expect100ContinueTimeout = RawClient.Patience, // so that only an interim answer lets the body go
    });

    private static async Task GreetAsync(HttpContext context)
    {
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        await socket.SendAsync("hello"u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, context.RequestAborted);
    }

    private async Task EventsAsync(HttpContext context)
    {
        context.Response.ContentType = "text/event-stream";
        for (var i = 0; i < 3; i++)
        {
            await context.Response.WriteAsync($"data: {i}\n\n");
            await context.Response.Body.FlushAsync();
            await _nextEvent.WaitAsync(context.RequestAborted);
        }
    }

    private static async Task CountAsync(HttpContext context)
    {
        var buffer = new byte[64 * 1024];
        long total = 0;
        while (await context.Request.Body.ReadAsync(buffer, context.RequestAborted) is var count and > 0)
        {
            total += count;
        }

        await context.Response.WriteAsync($"{total}");
    }

    private static async Task SendLargeAsync(HttpContext context)
    {
        var piece = new byte[1024 * 1024];
        for (var sent = 0; sent < LargeBody; sent += piece.Length)
        {
            await context.Response.Body.WriteAsync(piece, context.RequestAborted);
        }
    }
}
