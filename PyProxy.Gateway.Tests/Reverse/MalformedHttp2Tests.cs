using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Reverse;

public sealed class MalformedHttp2Tests
{
    private const uint ProtocolError = 0x1;

    [Theory]
    [InlineData("connection", "x")]
    [InlineData("keep-alive", "timeout=5")]
    [InlineData("proxy-connection", "keep-alive")]
    [InlineData("transfer-encoding", "chunked")]
    [InlineData("upgrade", "h2c")]
    [InlineData("te", "gzip")]
    [InlineData("X-Upper", "1")]
    [InlineData("x y", "1")]
    [InlineData("x-a", "b\r\nx-injected: 1")]
    [InlineData("x-a", "b\0c")]
    [InlineData("x-a", " b")]
    [InlineData("content-length", "+5")]
    public async Task MalformedField_EndsTheStreamOrTheConnection(string name, string value)
    {
        await using var origin = await OriginServer.StartAsync();
        await using var gateway = await ReverseGateway.StartAsync(origin.Address);

        var (type, error) = await RawHttp2Client.SendAsync(gateway.Http2Address, TestContext.Current.CancellationToken, (name, value))
            .WaitAsync(ReverseGateway.Patience, TestContext.Current.CancellationToken);

        Assert.Contains(type, (Http2FrameType[])[Http2FrameType.ResetStream, Http2FrameType.GoAway]);
        Assert.Equal(ProtocolError, error);
        Assert.Empty(origin.Requests);
    }

    [Theory]
    [InlineData("/a b")]
    [InlineData("/a\r\nX-Injected: 1")]
    [InlineData("/a#b")]
    [InlineData("/a/../b")]
    public async Task PathThatIsNone_IsNotForwarded(string path)
    {
        await using var origin = await OriginServer.StartAsync();
        await using var gateway = await ReverseGateway.StartAsync(origin.Address);

        await RawHttp2Client.SendAsync(gateway.Http2Address, TestContext.Current.CancellationToken, (":path", path))
            .WaitAsync(ReverseGateway.Patience, TestContext.Current.CancellationToken);

        Assert.Empty(origin.Requests);
    }

    [Fact]
    public async Task OrdinaryRequest_IsAnswered()
    {
        await using var origin = await OriginServer.StartAsync();
        await using var gateway = await ReverseGateway.StartAsync(origin.Address);

        var (type, _) = await RawHttp2Client.SendAsync(
            gateway.Http2Address, TestContext.Current.CancellationToken, (":path", "/a%2Fb"), ("te", "trailers"), ("x-a", "b"));

        Assert.Equal(Http2FrameType.Headers, type);
        Assert.Equal("/a%2Fb", origin.LastRequest.Target);
    }
}
