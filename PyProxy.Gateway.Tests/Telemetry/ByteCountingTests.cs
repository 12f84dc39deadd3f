using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Telemetry;

public sealed class ByteCountingTests
{
    private const int UploadSize = 100_000;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(HttpProtocols.Http1, false)]
    [InlineData(HttpProtocols.Http1, true)]
    [InlineData(HttpProtocols.Http2, false)]
    [InlineData(HttpProtocols.Http2, true)]
    public async Task BodyStreamedThrough_IsCountedBothWays(HttpProtocols protocols, bool chunked)
    {
        await using var server = await ObservedServer.StartAsync(EchoAsync, protocols: protocols);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/work/echo")
        {
            Version = server.Client.DefaultRequestVersion,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(new byte[UploadSize]),
        };
        request.Headers.TransferEncodingChunked = chunked && protocols == HttpProtocols.Http1;
        if (chunked)
        {
            request.Content.Headers.ContentLength = null;
        }

        using var response = await server.Client.SendAsync(request, Cancellation);
        Assert.Equal(UploadSize, (await response.Content.ReadAsByteArrayAsync(Cancellation)).Length);

        await AssertBytesAsync(server, UploadSize, UploadSize);
    }

    [Fact]
    public async Task PipesAndFiles_AreCounted()
    {
        using var directory = new TemporaryDirectory("counted");
        var file = directory.File("answer");
        await File.WriteAllBytesAsync(file, new byte[1234], Cancellation);
        await using var server = await ObservedServer.StartAsync(async context =>
        {
            while (true)
            {
                var read = await context.Request.BodyReader.ReadAsync(context.RequestAborted);
                context.Request.BodyReader.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                {
                    break;
                }
            }

            var memory = context.Response.BodyWriter.GetMemory(10);
            memory[..10].Span.Clear();
            context.Response.BodyWriter.Advance(10);
            await context.Response.BodyWriter.WriteAsync(new byte[20], context.RequestAborted);
            await context.Response.SendFileAsync(file, context.RequestAborted);
        });
        using var response = await server.Client.PostAsync("/work/pipe", new ByteArrayContent(new byte[UploadSize]), Cancellation);
        await response.Content.ReadAsByteArrayAsync(Cancellation);

        await AssertBytesAsync(server, UploadSize, 10 + 20 + 1234);
    }

    [Fact]
    public async Task HeadAnswer_CountsNoBody()
    {
        await using var server = await ObservedServer.StartAsync(context => context.Response.WriteAsync("never sent"));
        using var request = new HttpRequestMessage(HttpMethod.Head, "/work/x");
        using var response = await server.Client.SendAsync(request, Cancellation);

        await AssertBytesAsync(server, 0, 0);
    }

    [Fact]
    public async Task UpgradedStream_IsCountedWithoutHeads()
    {
        await using var server = await ObservedServer.StartAsync(async context =>
        {
            await using var stream = await context.Features.GetRequiredFeature<IHttpUpgradeFeature>().UpgradeAsync();
            var buffer = new byte[64];
            var read = await stream.ReadAtLeastAsync(buffer, 5, cancellationToken: context.RequestAborted);
            await stream.WriteAsync(buffer.AsMemory(0, read), context.RequestAborted);
            await stream.WriteAsync(new byte[3], context.RequestAborted);
        });
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", server.Address.Port, Cancellation);
        var stream = client.GetStream();
        await stream.WriteAsync("GET /work/up HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"u8.ToArray(), Cancellation);
        var head = new byte[4096];
        var count = await stream.ReadAsync(head, Cancellation);
        Assert.StartsWith("HTTP/1.1 101", Encoding.ASCII.GetString(head, 0, count), StringComparison.Ordinal);
        await stream.WriteAsync("hello"u8.ToArray(), Cancellation);
        while (await stream.ReadAsync(head, Cancellation) > 0)
        {
        }

        await AssertBytesAsync(server, 5, 8);
    }

    [Fact]
    public async Task WebSocketOverHttp2_IsCounted()
    {
        await using var server = await ObservedServer.StartAsync(
            async context =>
            {
                await using var stream = await context.Features.GetRequiredFeature<IHttpExtendedConnectFeature>().AcceptAsync();
                using var socket = WebSocket.CreateFromStream(stream, new WebSocketCreationOptions { IsServer = true });
                var buffer = new byte[64];
                var received = await socket.ReceiveAsync(buffer, context.RequestAborted);
                await socket.SendAsync(buffer.AsMemory(0, received.Count), WebSocketMessageType.Binary, true, context.RequestAborted);
                await socket.ReceiveAsync(buffer, context.RequestAborted);
                await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, context.RequestAborted);
            },
            protocols: HttpProtocols.Http2);
        using var socket = new ClientWebSocket();
        socket.Options.HttpVersion = System.Net.HttpVersion.Version20;
        socket.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        await socket.ConnectAsync(new Uri($"wss://127.0.0.1:{server.Address.Port}/work/ws"), server.Client, Cancellation);
        await socket.SendAsync(new byte[10], WebSocketMessageType.Binary, true, Cancellation);
        await socket.ReceiveAsync(new byte[64], Cancellation);
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, Cancellation);

        // RFC 6455 §5.2: a client's frame has 2 bytes of header and 4 of mask, a server's 2; the close frames carry 2 bytes of status.
        await AssertBytesAsync(server, 6 + 10 + 6 + 2, 2 + 10 + 2 + 2);
    }

    [Fact]
    public async Task TunnelOverABody_IsCountedByItsRelayAlone()
    {
        await using var server = await ObservedServer.StartAsync(async context =>
        {
            var exchange = Exchange.Of(context);
            exchange.IsTunnel = true;
            await context.Request.Body.CopyToAsync(context.Response.Body, context.RequestAborted);
            exchange.AddBytesIn(1);
            exchange.AddBytesOut(2);
        });
        using var response = await server.Client.PostAsync("/work/t", new ByteArrayContent(new byte[50]), Cancellation);

        await AssertBytesAsync(server, 1, 2);
    }

    private static Task EchoAsync(HttpContext context) => context.Request.Body.CopyToAsync(context.Response.Body, context.RequestAborted);

    private static async Task AssertBytesAsync(ObservedServer server, long bytesIn, long bytesOut)
    {
        var record = Assert.Single(await server.StopAndReadLogAsync());
        Assert.Equal((bytesIn, bytesOut), (record.GetProperty("bytes_in").GetInt64(), record.GetProperty("bytes_out").GetInt64()));
    }
}
