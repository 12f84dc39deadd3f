using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Reverse;

public sealed class WebSocketTests
{
    /// <summary>RFC 6455 over HTTP/1.1 and RFC 8441 over HTTP/2, in every combination of the two sides.</summary>
    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 2)]
    [InlineData(2, 1)]
    [InlineData(2, 2)]
    public async Task WebSocket_EchoesAndCloses(int clientVersion, int originVersion)
    {
        await using var origin = await OriginServer.StartAsync(
            protocols: originVersion == 2 ? HttpProtocols.Http2 : HttpProtocols.Http1,
            endpoints: static app => app.Map("/ws", EchoAsync));
        await using var gateway = await ReverseGateway.StartAsync(
            origin.Address,
            ("Clusters:one:HttpRequest:Version", originVersion == 2 ? "2" : "1.1"),
            ("Clusters:one:HttpRequest:VersionPolicy", "RequestVersionExact"));
        var address = clientVersion == 2 ? gateway.Http2Address : gateway.Address;
        using var invoker = new HttpMessageInvoker(ReverseGateway.CreateHandler());
        using var socket = new ClientWebSocket();
        socket.Options.HttpVersion = new Version(clientVersion, clientVersion == 2 ? 0 : 1);
        socket.Options.HttpVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        var cancellation = TestContext.Current.CancellationToken;

        await socket.ConnectAsync(new UriBuilder(address) { Scheme = "ws", Path = "/ws" }.Uri, invoker, cancellation).WaitAsync(ReverseGateway.Patience, cancellation);
        await socket.SendAsync("over and out"u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, cancellation);
        var buffer = new byte[64];
        var received = await socket.ReceiveAsync(buffer, cancellation).WaitAsync(ReverseGateway.Patience, cancellation);
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "done", cancellation).WaitAsync(ReverseGateway.Patience, cancellation);

        Assert.Equal("over and out", Encoding.UTF8.GetString(buffer, 0, received.Count));
        Assert.Equal(WebSocketCloseStatus.NormalClosure, socket.CloseStatus);
        Assert.Equal(originVersion == 2 ? "HTTP/2" : "HTTP/1.1", origin.LastRequest.Protocol);
    }

    private static async Task EchoAsync(HttpContext context)
    {
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        var buffer = new byte[1024];
        while (true)
        {
            var message = await socket.ReceiveAsync(buffer, context.RequestAborted);
            if (message.MessageType == WebSocketMessageType.Close)
            {
                await socket.CloseAsync(message.CloseStatus ?? WebSocketCloseStatus.Empty, message.CloseStatusDescription, context.RequestAborted);
                return;
            }

            await socket.SendAsync(buffer.AsMemory(0, message.Count), message.MessageType, message.EndOfMessage, context.RequestAborted);
        }
    }
}
