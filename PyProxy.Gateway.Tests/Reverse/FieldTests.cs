using System.Net;
using System.Text;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Reverse;

public sealed class FieldTests
{
    [Fact]
    public async Task RequestFields_AreThoseThatAProxyForwards()
    {
        await using var origin = await OriginServer.StartAsync();
        await using var gateway = await ReverseGateway.StartAsync(origin.Address);

        await gateway.ExchangeRawAsync(
            "GET / HTTP/1.1\r\nHost: h\r\nConnection: close, X-Nom\r\nX-Nom: 1\r\nKeep-Alive: timeout=9\r\nProxy-Connection: keep-alive\r\n"
            + "Proxy-Authorization: Basic eDp5\r\nTE: gzip\r\nUpgrade: foo/1\r\nVia: 1.0 fred\r\nUpgrade-Insecure-Requests: 1\r\nX-End: 1\r\n\r\n");

        var request = origin.LastRequest;
        foreach (var name in (string[])["X-Nom", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization", "TE", "Upgrade", "Connection"])
        {
            Assert.Null(request[name]);
        }

        Assert.Equal("1.0 fred, 1.1 gateway-test", request["Via"]);
        Assert.Equal("1", request["Upgrade-Insecure-Requests"]);
        Assert.Equal("1", request["X-End"]);
    }

    [Fact]
    public async Task FieldThatATransformAdds_CannotBeNominatedAway()
    {
        await using var origin = await OriginServer.StartAsync();
        await using var gateway = await ReverseGateway.StartAsync(
            origin.Address, ("Routes:all:Transforms:0:RequestHeader", "X-Verified"), ("Routes:all:Transforms:0:Set", "yes"));

        await gateway.ExchangeRawAsync("GET / HTTP/1.1\r\nHost: h\r\nConnection: close, X-Verified\r\n\r\n");

        Assert.Equal("yes", origin.LastRequest["X-Verified"]);
    }

    [Fact]
    public async Task RouteThatCopiesNoFields_StillSendsVia()
    {
        await using var origin = await OriginServer.StartAsync();
        await using var gateway = await ReverseGateway.StartAsync(origin.Address, ("Routes:all:Transforms:0:RequestHeadersCopy", "false"));

        await gateway.GetStringAsync("/", ("Via", "1.0 fred"), ("X-Other", "1"));

        Assert.Equal("1.0 fred, 1.1 gateway-test", origin.LastRequest["Via"]);
        Assert.Null(origin.LastRequest["X-Other"]);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: \r\n", null)]
    [InlineData("GET / HTTP/1.0\r\n", null)]
    [InlineData("GET http://client.test/ HTTP/1.1\r\nHost: other.test\r\n", "true")]
    public async Task Upstream_GetsOneHost(string head, string? originalHost)
    {
        await using var origin = new RawOrigin("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        await using var gateway = await ReverseGateway.StartAsync(origin.Address, ("Routes:all:Transforms:0:RequestHeaderOriginalHost", originalHost ?? "false"));

        await gateway.ExchangeRawAsync($"{head}Connection: close\r\n\r\n");

        var hosts = Assert.Single(origin.Heads).Split("\r\n").Where(static line => line.StartsWith("Host:", StringComparison.OrdinalIgnoreCase));
        Assert.Equal(originalHost is null ? $"Host: {origin.Address.Authority}" : "Host: client.test", Assert.Single(hosts));
    }

    /// <summary>RFC 9110 §5.5: what is not ASCII is opaque data; here the same letter as UTF-8 and as Latin-1.</summary>
    [Theory]
    [InlineData("\u00c3\u00bc", false)]
    [InlineData("\u00fc", false)]
    [InlineData("\u00c3\u00bc", true)]
    [InlineData("\u00fc", true)]
    public async Task BytesOfFields_PassAsTheyAre(string letter, bool http2)
    {
        await using var origin = new RawOrigin($"HTTP/1.1 200 OK\r\nX-Answer: {letter}\r\nLocation: /{letter}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        await using var gateway = await ReverseGateway.StartAsync(
            origin.Address, ("Clusters:one:HttpClient:RequestHeaderEncoding", "utf-8"), ("Clusters:one:HttpClient:ResponseHeaderEncoding", "utf-8"));
        string answer;
        if (http2)
        {
            using var handler = ReverseGateway.CreateHandler();
            handler.RequestHeaderEncodingSelector = static (_, _) => Encoding.Latin1;
            handler.ResponseHeaderEncodingSelector = static (_, _) => Encoding.Latin1;
            using var client = new HttpMessageInvoker(handler);
            using var request = new HttpRequestMessage(HttpMethod.Get, gateway.Http2Address) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
            request.Headers.TryAddWithoutValidation("User-Agent", letter);
            using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
            answer = string.Concat(response.Headers.NonValidated.Select(static field => $"{field.Key}: {field.Value}\r\n"));
        }
        else
        {
            answer = await gateway.ExchangeRawAsync($"GET / HTTP/1.1\r\nHost: h\r\nUser-Agent: {letter}\r\nConnection: close\r\n\r\n");
        }

        Assert.Contains($"User-Agent: {letter}\r\n", Assert.Single(origin.Heads), StringComparison.OrdinalIgnoreCase);
        Assert.Contains($"X-Answer: {letter}\r\n", answer, StringComparison.OrdinalIgnoreCase);
        Assert.Contains($"Location: /{letter}\r\n", answer, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task ResponseFields_AreThoseThatAProxyForwards()
    {
        await using var origin = new RawOrigin(
            "HTTP/1.1 200 OK\r\nConnection: X-Hop, close\r\nX-Hop: 1\r\nKeep-Alive: timeout=77\r\nUpgrade: h2c\r\nX-End: 1\r\nVia: 1.0 inner\r\n"
            + "Set-Cookie: a=1\r\nSet-Cookie: b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT\r\nContent-Length: 2\r\n\r\nok");
        await using var gateway = await ReverseGateway.StartAsync(origin.Address);

        using var response = await gateway.GetAsync("/");

        foreach (var name in (string[])["X-Hop", "Keep-Alive", "Upgrade", "Server"])
        {
            Assert.False(response.Headers.NonValidated.Contains(name), name);
        }

        Assert.Equal("1.0 inner, 1.1 gateway-test", string.Join(", ", response.Headers.Via));
        Assert.Equal(2, response.Headers.GetValues("Set-Cookie").Count());
        Assert.True(response.Headers.Contains("X-End"));
    }
}
