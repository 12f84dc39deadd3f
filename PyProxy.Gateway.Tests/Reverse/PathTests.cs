using System.Net;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Reverse;

public sealed class PathTests
{
    [Theory]
    [InlineData("/a%2Fb%2f%20%C3%A9%7e;p=1?x=%2F&y=a+b%0A")]
    [InlineData("/a//b///c")]
    [InlineData("/echo?")]
    [InlineData("/~x+y/!$&()*,=:@")]
    [InlineData("/q?a=b|c'{}^`[]")]
    [InlineData("/%252F")]
    public async Task TargetWithoutTransforms_ArrivesByteForByte(string target)
    {
        await using var origin = await OriginServer.StartAsync();
        await using var gateway = await ReverseGateway.StartAsync(origin.Address);

        await gateway.ExchangeRawAsync($"GET {target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");

        Assert.Equal(target, origin.LastRequest.Target);
    }

    [Theory]
    [InlineData("PathRemovePrefix", "/api", "/api/a%2Fb%7e?x=%2F", "/a%2Fb%7e?x=%2F")]
    [InlineData("PathRemovePrefix", "/api", "/api", "/")]
    [InlineData("PathPrefix", "/v1", "/a%2Fb/%61", "/v1/a%2Fb/%61")]
    [InlineData("PathSet", "/fixed", "/a%2Fb?q=%20", "/fixed?q=%20")]
    [InlineData("PathPattern", "/new/{**path}", "/a%2Fb/c%20d", "/new/a%2Fb/c%20d")]
    [InlineData("RequestHeader", "X-Set", "/a%2Fb?x=%2F", "/a%2Fb?x=%2F")]
    public async Task TransformedTarget_KeepsEncodedCharacters(string transform, string value, string target, string expected)
    {
        await using var origin = await OriginServer.StartAsync();
        await using var gateway = await ReverseGateway.StartAsync(
            origin.Address, ($"Routes:all:Transforms:0:{transform}", value), ("Routes:all:Transforms:0:Set", transform == "RequestHeader" ? "1" : null));

        await gateway.ExchangeRawAsync($"GET {target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");

        Assert.Equal(expected, origin.LastRequest.Target);
    }

    [Fact]
    public async Task TransformedQuery_IsTheTransformsOwn()
    {
        await using var origin = await OriginServer.StartAsync();
        await using var gateway = await ReverseGateway.StartAsync(
            origin.Address, ("Routes:all:Transforms:0:QueryValueParameter", "added"), ("Routes:all:Transforms:0:Set", "1"));

        await gateway.GetStringAsync("/a%2Fb?x=2");

        Assert.Equal("/a%2Fb?x=2&added=1", origin.LastRequest.Target);
    }

    [Fact]
    public async Task DotSegmentMadeByATransform_IsRefused()
    {
        await using var origin = await OriginServer.StartAsync();
        await using var gateway = await ReverseGateway.StartAsync(
            origin.Address,
            ("Routes:all:Match:Path", "/x/{name}/tail"),
            ("Routes:all:Transforms:0:PathPattern", "/files/{name}/end"));

        var answer = await gateway.ExchangeRawAsync("GET /x/..%252fsecret/tail HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 400 ", answer, StringComparison.Ordinal);
        Assert.Empty(origin.Requests);
    }

    [Theory]
    [InlineData("/a/%2e%2e/b")]
    [InlineData("/public/..%2fadmin")]
    public async Task DotSegments_DoNotReachRouting(string path)
    {
        await using var origin = await OriginServer.StartAsync();
        await using var gateway = await ReverseGateway.StartAsync(origin.Address);

        using var response = await gateway.GetAsync(path);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Null(gateway.LastExchange!.Route);
        Assert.Empty(origin.Requests);
    }
}
