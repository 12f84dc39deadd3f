using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using PyProxy.Gateway.Listeners;

namespace PyProxy.Gateway.Tests.Listeners.Connect;

/// <summary>The normaliser below a real Kestrel: what the pipeline comes to see, and what Kestrel refuses.</summary>
public sealed class ConnectHeadOverKestrelTests
{
    private const string Get = "GET /x HTTP/1.1\r\nHost: o\r\n\r\n";
    private const string Connect = "CONNECT a.example:443 HTTP/1.1\r\nHost: proxy.example:3128\r\n\r\n";
    private const string Refused = "407 a.example:443";

    [Theory]
    [InlineData("Host: a.example\r\n")]
    [InlineData("Host: proxy.example:3128\r\nUser-Agent: x\r\n")]
    [InlineData("Host: a.example:443\r\n")]
    [InlineData("Host:\r\n")]
    public async Task Connect_ReachesThePipelineWhateverHostSays(string fields)
    {
        await using var server = await StartAsync();
        using var client = await server.ConnectAsync();
        await client.SendAsync($"CONNECT a.example:443 HTTP/1.1\r\n{fields}\r\n");
        Assert.Equal(Refused, await client.ReceiveResponseAsync());
    }

    [Theory]
    [InlineData("Host: a\r\nHost: a\r\n")]
    [InlineData("")]
    [InlineData("Host: a b\r\n")]
    [InlineData("Host: a\r\nBad Name: x\r\n")]
    public async Task BadHost_StaysKestrelsBadRequest(string fields)
    {
        await using var server = await StartAsync();
        using var client = await server.ConnectAsync();
        await client.SendAsync($"CONNECT a.example:443 HTTP/1.1\r\n{fields}\r\n");
        Assert.StartsWith("400 ", await client.ReceiveResponseAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ConnectAfterConnectAfterGet_ReachesThePipelineEachTime()
    {
        await using var server = await StartAsync();
        using var client = await server.ConnectAsync();
        foreach (var (request, answer) in new[] { (Get, "200 get"), (Connect, Refused), (Connect, Refused), (Get, "200 get"), (Connect, Refused) })
        {
            await client.SendAsync(request);
            Assert.Equal(answer, await client.ReceiveResponseAsync());
        }
    }

    [Fact]
    public async Task PipelinedRequestsInAnyPieces_AreAllSeen()
    {
        await using var server = await StartAsync();
        var random = new Random(4);
        for (var run = 0; run < 20; run++)
        {
            using var client = await server.ConnectAsync();
            var all = Get + Connect + Connect + Get;
            for (var sent = 0; sent < all.Length;)
            {
                var count = run == 0 ? 1 : Math.Min(random.Next(1, 100), all.Length - sent);
                await client.SendAsync(all.Substring(sent, count));
                sent += count;
            }

            Assert.Equal("200 get", await client.ReceiveResponseAsync());
            Assert.Equal(Refused, await client.ReceiveResponseAsync());
            Assert.Equal(Refused, await client.ReceiveResponseAsync());
            Assert.Equal("200 get", await client.ReceiveResponseAsync());
        }
    }

    [Fact]
    public async Task BodyThatLooksLikeConnect_StaysUntouched()
    {
        await using var server = await StartAsync();
        using var client = await server.ConnectAsync();
        for (var run = 0; run < 2; run++)
        {
            await client.SendAsync($"POST / HTTP/1.1\r\nHost: o\r\nContent-Length: {Connect.Length}\r\n\r\n");
            await client.SendAsync(Connect);
            Assert.Equal($"200 {Connect}", await client.ReceiveResponseAsync());
        }
    }

    [Fact]
    public async Task ChunkedBodyThatLooksLikeConnect_StaysUntouched()
    {
        await using var server = await StartAsync();
        using var client = await server.ConnectAsync();
        await client.SendAsync(Get);
        Assert.Equal("200 get", await client.ReceiveResponseAsync());
        await client.SendAsync($"POST / HTTP/1.1\r\nHost: o\r\nTransfer-Encoding: chunked\r\n\r\n{Connect.Length:x}\r\n{Connect}\r\n0\r\n\r\n");
        Assert.Equal($"200 {Connect}", await client.ReceiveResponseAsync());
    }

    [Fact]
    public async Task ConnectBehindABody_ReachesThePipeline()
    {
        await using var server = await StartAsync();
        using var client = await server.ConnectAsync();
        const string Post = "POST / HTTP/1.1\r\nHost: o\r\nContent-Length: 1\r\n\r\nx";
        await client.SendAsync(Post + Connect + Post);
        Assert.Equal("200 x", await client.ReceiveResponseAsync());
        Assert.Equal(Refused, await client.ReceiveResponseAsync());
        Assert.Equal("200 x", await client.ReceiveResponseAsync());

        // A body that the pipeline leaves unread is read by the server, to the same end.
        await client.SendAsync($"GET / HTTP/1.1\r\nHost: o\r\nContent-Length: {Connect.Length}\r\n\r\n{Connect}");
        Assert.Equal("200 get", await client.ReceiveResponseAsync());
        await client.SendAsync(Connect);
        Assert.Equal(Refused, await client.ReceiveResponseAsync());
    }

    [Fact]
    public async Task BehindAChunkedBody_TheBoundaryIsProvenWhereThePipelineHasReadIt()
    {
        await using var server = await StartAsync();
        using var client = await server.ConnectAsync();
        const string Post = "POST / HTTP/1.1\r\nHost: o\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n";
        await client.SendAsync(Post + Get + Connect);
        Assert.Equal("200 x", await client.ReceiveResponseAsync());
        Assert.Equal("200 get", await client.ReceiveResponseAsync());
        Assert.Equal(Refused, await client.ReceiveResponseAsync());
        foreach (var trailers in (string[])["", "Checked: y\r\n"])
        {
            await client.SendAsync(Post[..^2] + trailers + "\r\n" + Connect + Connect);
            Assert.Equal("200 x", await client.ReceiveResponseAsync());
            Assert.Equal(Refused, await client.ReceiveResponseAsync());
            Assert.Equal(Refused, await client.ReceiveResponseAsync());
        }

        // What the pipeline leaves is read by the server, to an end that nobody here sees.
        await client.SendAsync(Post.Replace("POST", "GET", StringComparison.Ordinal) + Connect);
        Assert.Equal("200 get", await client.ReceiveResponseAsync());
        Assert.StartsWith("400 ", await client.ReceiveResponseAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task TargetWithUnderscore_ReachesThePipelineAsItCame()
    {
        await using var server = await StartAsync();
        using var client = await server.ConnectAsync();
        foreach (var (target, host) in new[] { ("my_service:443", "my_service:443"), ("my_service:8443", "proxy"), ("a.example:443", "my_service") })
        {
            await client.SendAsync($"CONNECT {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
            Assert.Equal($"407 {target}", await client.ReceiveResponseAsync());
        }
    }

    [Fact]
    public async Task UpgradedBytesThatLookLikeConnect_StayUntouched()
    {
        await using var server = await StartAsync();
        using var client = await server.ConnectAsync();
        await client.SendAsync("GET /up HTTP/1.1\r\nHost: o\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
        Assert.StartsWith("101 ", await client.ReceiveResponseAsync(), StringComparison.Ordinal);
        await client.SendAsync(Connect);
        Assert.Equal(Connect, System.Text.Encoding.Latin1.GetString(await client.ReceiveAsync(Connect.Length)));
    }

    [Fact]
    public async Task SlowHead_EndsByKestrelsTimeoutForHeads()
    {
        // The keep-alive timeout is far longer: only a request that Kestrel knows to have begun ends with 408.
        await using var server = await StartAsync(options =>
        {
            options.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(1);
            options.Limits.KeepAliveTimeout = TimeSpan.FromMinutes(10);
        });
        using var client = await server.ConnectAsync();
        await client.SendAsync(Connect[..40]);
        Assert.StartsWith("408 ", await client.ReceiveResponseAsync(), StringComparison.Ordinal);
    }

    private static Task<AdapterServer> StartAsync(Action<KestrelServerOptions>? options = null)
        => AdapterServer.StartAsync(listen => listen.UseConnectHeadNormalization(), HandleAsync, server: options);

    private static async Task HandleAsync(HttpContext context)
    {
        if (context.Request.Path == "/up")
        {
            await using var stream = await context.Features.Get<IHttpUpgradeFeature>()!.UpgradeAsync();
            var buffer = new byte[Connect.Length];
            await stream.ReadExactlyAsync(buffer);
            await stream.WriteAsync(buffer);
            return;
        }

        using var body = new StreamReader(context.Request.Body);
        var text = context.Request.Method switch
        {
            "CONNECT" => context.Request.Host.Value!,
            "POST" => await body.ReadToEndAsync(),
            _ => "get",
        };
        context.Response.StatusCode = context.Request.Method == "CONNECT" ? StatusCodes.Status407ProxyAuthenticationRequired : StatusCodes.Status200OK;
        context.Response.ContentLength = text.Length;
        await context.Response.WriteAsync(text);
    }
}
