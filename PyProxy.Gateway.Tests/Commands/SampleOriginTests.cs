using System.Net;
using System.Net.WebSockets;
using System.Text;
using PyProxy.Gateway.Commands;

namespace PyProxy.Gateway.Tests.Commands;

public sealed class SampleOriginTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Paths_AnswerAsDescribed()
    {
        await using var origin = SampleOrigin.Build(port: 0);
        await origin.StartAsync(Cancelled);
        using var client = new HttpClient { BaseAddress = new Uri(origin.Urls.First()) };

        Assert.Equal(70_000, (await client.GetByteArrayAsync("/bytes/70000", Cancelled)).Length);
        Assert.Contains("\"target\": \"/echo?a=b\"", await client.GetStringAsync("/echo?a=b", Cancelled), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await client.GetAsync("/status/503", Cancelled)).StatusCode);
    }

    [Fact]
    public async Task WebSocket_Echoes()
    {
        await using var origin = SampleOrigin.Build(port: 0);
        await origin.StartAsync(Cancelled);
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(new UriBuilder(origin.Urls.First()) { Scheme = "ws", Path = "/ws" }.Uri, Cancelled);

        await socket.SendAsync(Encoding.ASCII.GetBytes("hi"), WebSocketMessageType.Text, endOfMessage: true, Cancelled);
        var buffer = new byte[16];
        var received = await socket.ReceiveAsync(buffer, Cancelled);
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, statusDescription: null, Cancelled);

        Assert.Equal("hi", Encoding.ASCII.GetString(buffer, 0, received.Count));
    }
}
