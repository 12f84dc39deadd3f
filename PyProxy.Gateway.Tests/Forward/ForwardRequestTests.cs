using System.Net;
using System.Net.WebSockets;
using System.Text;
using PyProxy.Gateway.Egress;
using PyProxy.Gateway.Filtering;
using PyProxy.Gateway.Forward;
using PyProxy.Gateway.Http;
using PyProxy.Gateway.Privacy;
using PyProxy.Gateway.Resilience;
using PyProxy.Gateway.Tests.Functional;
using PyProxy.Gateway.Tests.Http;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Forward;

public sealed class ForwardRequestTests
{
    [Fact]
    public async Task AbsoluteForm_GoesToTheTargetWithItsAuthorityAsHost()
    {
        await using var origin = await OriginServer.StartAsync();
        await using var gateway = await StartAsync();
        var answer = await gateway.ExchangeRawAsync(
            $"GET {origin.Address}a%2Fb/%7e?q=%20x HTTP/1.1\r\nHost: other.example\r\nProxy-Authorization: Basic eDp5\r\n"
            + "Proxy-Connection: keep-alive\r\nConnection: close\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 200 ", answer, StringComparison.Ordinal);
        Assert.Contains("Via: 1.1 gateway-test", answer, StringComparison.OrdinalIgnoreCase);
        Assert.EndsWith("origin\r\n0\r\n\r\n", answer, StringComparison.Ordinal);
        Assert.Equal("/a%2Fb/%7e?q=%20x", origin.LastRequest.Target);
        Assert.Equal(origin.Address.Authority, origin.LastRequest["Host"]);
        Assert.Null(origin.LastRequest["Proxy-Authorization"]);
        Assert.Null(origin.LastRequest["Proxy-Connection"]);
        Assert.Equal("1.1 gateway-test", origin.LastRequest["Via"]);
        Assert.Equal(origin.Address.Authority, gateway.LastExchange!.Destination);
        Assert.Equal(origin.Address.Port, gateway.LastExchange.Target!.Value.Port);
    }

    [Theory]
    [InlineData("\u00c3\u00bc")] // UTF-8
    [InlineData("\u00fc")] // Latin-1
    public async Task BytesOfFields_PassAsTheyAre(string letter)
    {
        await using var origin = new RawOrigin($"HTTP/1.1 200 OK\r\nX-Answer: {letter}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        await using var gateway = await StartAsync();
        var answer = await gateway.ExchangeRawAsync($"GET {origin.Address} HTTP/1.1\r\nHost: h\r\nUser-Agent: {letter}\r\nConnection: close\r\n\r\n");

        Assert.Contains($"User-Agent: {letter}\r\n", Assert.Single(origin.Heads), StringComparison.Ordinal);
        Assert.Contains($"X-Answer: {letter}\r\n", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1", "this is a forward proxy")]
    [InlineData("GET http://user:secret@example.org/ HTTP/1.1", "user information")]
    [InlineData("GET ftp://example.org/ HTTP/1.1", "400 Bad Request")]
    public async Task TargetThatIsNone_IsRefused(string requestLine, string reason)
    {
        await using var gateway = await StartAsync();
        var answer = await gateway.ExchangeRawAsync($"{requestLine}\r\nHost: example.org\r\nConnection: close\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 400 ", answer, StringComparison.Ordinal);
        Assert.Contains(reason, answer, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("secret", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PrivateAddress_IsRefusedWithTheDialersReason()
    {
        await using var gateway = await StartAsync(allowLoopback: false);
        var answer = await gateway.ExchangeRawAsync("GET http://127.0.0.1:9/ HTTP/1.1\r\nHost: 127.0.0.1:9\r\nConnection: close\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 403 ", answer, StringComparison.Ordinal);
        Assert.Contains("destination_ip_prohibited", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TunnelToAPortThatIsNotAllowed_IsRefused()
    {
        await using var gateway = await StartAsync(tunnels: true);
        var answer = await gateway.ExchangeRawAsync("CONNECT example.org:25 HTTP/1.1\r\nHost: example.org:25\r\nConnection: close\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 403 ", answer, StringComparison.Ordinal);
        Assert.Contains("ConnectPorts", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TunnelWhereTheConnectionCannotBeTakenOver_IsAnswered501()
    {
        await using var gateway = await StartAsync();
        var answer = await gateway.ExchangeRawAsync("CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\nConnection: close\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 501 ", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task HeadAndNoContent_PassWithoutABody()
    {
        await using var origin = await OriginServer.StartAsync(endpoints: static app => app.Map("/none", () => Results.NoContent()));
        await using var gateway = await StartAsync();
        using var client = ClientOf(gateway);
        using var request = new HttpRequestMessage(HttpMethod.Head, origin.Address);
        using var head = await client.SendAsync(request, TestContext.Current.CancellationToken);
        using var none = await client.GetAsync(new Uri(origin.Address, "/none"), TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, head.StatusCode);
        Assert.Equal(HttpStatusCode.NoContent, none.StatusCode);
    }

    [Fact]
    public async Task BodyAfterExpectContinue_Arrives()
    {
        await using var origin = await OriginServer.StartAsync(endpoints: static app => app.MapPost("/echo", EchoAsync));
        await using var gateway = await StartAsync();
        using var client = ClientOf(gateway);
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(origin.Address, "/echo")) { Content = new StringContent("hello") };
        request.Headers.ExpectContinue = true;
        using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal("hello", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task WebSocketThroughThePlainProxy_Works()
    {
        await using var origin = await OriginServer.StartAsync(endpoints: static app => app.Map("/ws", EchoMessageAsync));
        await using var gateway = await StartAsync();
        var address = new Uri(origin.Address, "/ws");

        // ClientWebSocket would use CONNECT; this is what a client without it sends.
        using var socket = new System.Net.Sockets.Socket(System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp);
        await socket.ConnectAsync(gateway.Address.Host, gateway.Address.Port, TestContext.Current.CancellationToken);
        await using var stream = new System.Net.Sockets.NetworkStream(socket);
        await stream.WriteAsync(
            Encoding.ASCII.GetBytes(
                $"GET {address} HTTP/1.1\r\nHost: {address.Authority}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"),
            TestContext.Current.CancellationToken);
        var head = await ReadHeadAsync(stream);
        Assert.StartsWith("HTTP/1.1 101 ", head, StringComparison.Ordinal);

        using var webSocket = WebSocket.CreateFromStream(stream, new WebSocketCreationOptions());
        await webSocket.SendAsync("over"u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, TestContext.Current.CancellationToken);
        var buffer = new byte[16];
        var received = await webSocket.ReceiveAsync(buffer, TestContext.Current.CancellationToken)
            .WaitAsync(TunnelRelayTests.Patience, TestContext.Current.CancellationToken);

        Assert.Equal("over", Encoding.ASCII.GetString(buffer, 0, received.Count));
    }

    private static Task<MiniGateway> StartAsync(bool allowLoopback = true, bool tunnels = false)
        => MiniGateway.StartAsync(
            stages: static app =>
            {
                app.UseProxyErrors();
                app.UseRequestRules();
                app.UseForwardEndpoint();
                app.UseRouting();
                app.UseAuthorization();
                app.UseEndpoints(static _ => { });
            },
            services: builder =>
            {
                if (allowLoopback)
                {
                    builder.Configuration["Gateway:Egress:AllowedAddresses:0"] = "127.0.0.0/8";
                }

                builder.Services.AddMetrics().AddResilience().AddEgress().AddFiltering().AddPrivacy().AddForward();
                builder.Services.AddSingleton<IDrainSignal, FakeDrain>();

                // Who may ask is not the subject here; the endpoint's demand is met by everybody.
                builder.Services.AddAuthorizationBuilder().SetDefaultPolicy(
                    new Microsoft.AspNetCore.Authorization.AuthorizationPolicyBuilder().RequireAssertion(static _ => true).Build());
            },
            role: ListenerRole.Forward,
            onConnection: connection =>
            {
                if (tunnels)
                {
                    connection.Features.Set<ITunnelFeature>(new UnwantedTunnel());
                }
            });

    private static HttpClient ClientOf(MiniGateway gateway)
        => new(new SocketsHttpHandler { Proxy = new WebProxy(gateway.Address), AllowAutoRedirect = false }) { Timeout = TunnelRelayTests.Patience };

    private static async Task<string> ReadHeadAsync(Stream stream)
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            await stream.ReadExactlyAsync(one, TestContext.Current.CancellationToken)
                .AsTask().WaitAsync(TunnelRelayTests.Patience, TestContext.Current.CancellationToken);
            head.Append((char)one[0]);
        }

        return head.ToString();
    }

    private static Task EchoAsync(HttpContext context) => context.Request.Body.CopyToAsync(context.Response.Body, context.RequestAborted);

    private static async Task EchoMessageAsync(HttpContext context)
    {
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        var buffer = new byte[64];
        var message = await socket.ReceiveAsync(buffer, context.RequestAborted);
        await socket.SendAsync(buffer.AsMemory(0, message.Count), message.MessageType, message.EndOfMessage, context.RequestAborted);
    }

    private sealed class UnwantedTunnel : ITunnelFeature
    {
        public ValueTask<ITunnelLeg> AcceptAsync(CancellationToken cancellationToken)
            => throw new InvalidOperationException("The refusal was to come first.");

        public void RunBehindRequest(Func<Task> tunnel) => throw new InvalidOperationException("The refusal was to come first.");
    }
}
