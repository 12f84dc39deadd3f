using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Reverse;

/// <summary>What an origin does wrong is an error at the client too: a 502, or a response that visibly does not end.</summary>
public sealed class BadResponseTests
{
    [Theory]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nraw")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\nhello!!")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello")]
    [InlineData("HTTP/1.1 99 Low\r\nContent-Length: 2\r\n\r\nok")]
    [InlineData("\u0016\u0003\u0001garbage\r\n\r\n")]
    [InlineData("")]
    public async Task ResponseThatIsNotHttp_IsABadGateway(string answer)
    {
        await using var origin = new RawOrigin(answer);
        await using var gateway = await ReverseGateway.StartAsync(origin.Address);

        using var response = await gateway.GetAsync("/");

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.StartsWith("gateway-test; error=", string.Join(',', response.Headers.GetValues("Proxy-Status")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("X-A: b\0c", "b\0c")]
    [InlineData("X-A: b\rX-Injected: 1", "\rX-Injected")]
    [InlineData("X-A: b\r\n c", "\r\n c")]
    [InlineData("X-A : b", "X-A :")]
    public async Task MalformedField_IsNotPassedOnAsItCame(string field, string forbidden)
    {
        await using var origin = new RawOrigin($"HTTP/1.1 200 OK\r\n{field}\r\nContent-Length: 2\r\n\r\nok");
        await using var gateway = await ReverseGateway.StartAsync(origin.Address);

        var answer = await gateway.ExchangeRawAsync("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 ", answer, StringComparison.Ordinal);
        Assert.DoesNotContain(forbidden, answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SwitchToAnotherProtocolThanAskedFor_IsABadGateway()
    {
        await using var origin = new RawOrigin("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n");
        await using var gateway = await ReverseGateway.StartAsync(origin.Address);

        using var response = await gateway.GetAsync("/", ("Connection", "Upgrade"), ("Upgrade", "websocket"));

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Equal("http_protocol_error", gateway.LastExchange!.Error?.Token);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", false)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nhello", false)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", false)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nhello\r\n0\r\n\r\n", false)]
    [InlineData("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello", true)]
    public async Task TruncatedResponse_DoesNotLookComplete(string answer, bool reset)
    {
        await using var origin = new RawOrigin(answer, reset);
        await using var gateway = await ReverseGateway.StartAsync(origin.Address);

        await AssertIncompleteAsync(() => gateway.GetAsync("/"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task StreamThatTheOriginResets_DoesNotLookComplete(int clientVersion)
    {
        await using var origin = await OriginServer.StartAsync(
            protocols: HttpProtocols.Http2,
            endpoints: app => app.MapGet("/cut", async context =>
            {
                await context.Response.WriteAsync("hello");
                await context.Response.Body.FlushAsync();
                context.Abort();
            }));
        await using var gateway = await ReverseGateway.StartAsync(
            origin.Address, ("Clusters:one:HttpRequest:Version", "2"), ("Clusters:one:HttpRequest:VersionPolicy", "RequestVersionExact"));

        await AssertIncompleteAsync(async () =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(clientVersion == 2 ? gateway.Http2Address : gateway.Address, "/cut"))
            {
                Version = new Version(clientVersion, clientVersion == 2 ? 0 : 1),
                VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            };
            return await gateway.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        });
    }

    [Fact]
    public async Task NoContentWithALength_ArrivesWithoutOne()
    {
        await using var origin = new RawOrigin("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello");
        await using var gateway = await ReverseGateway.StartAsync(origin.Address);

        using var response = await gateway.GetAsync("/");

        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        Assert.False(response.Content.Headers.NonValidated.Contains("Content-Length"));
    }

    private static async Task AssertIncompleteAsync(Func<Task<HttpResponseMessage>> send)
    {
        // Either the body breaks off visibly, or nothing had been sent yet and there is an honest error instead.
        try
        {
            using var response = await send();
            await response.Content.CopyToAsync(Stream.Null, TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            // As it should be.
        }
    }
}
