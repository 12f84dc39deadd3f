using PyProxy.Gateway.Http;

namespace PyProxy.Gateway.Tests.Http;

public sealed class Http2FieldsTests
{
    [Theory]
    [InlineData("keep-alive", "timeout=5")]
    [InlineData("proxy-connection", "keep-alive")]
    [InlineData("transfer-encoding", "chunked")]
    [InlineData("upgrade", "h2c")]
    [InlineData("x y", "1")]
    [InlineData("x:y", "1")]
    [InlineData("x-a", "b\r\nx-b: c")]
    [InlineData("x-a", "b\0c")]
    [InlineData("x-a", " b")]
    [InlineData("x-a", "b\t")]
    public void FieldThatMakesARequestMalformed_IsFound(string name, string value)
        => Assert.True(Http2Fields.AreMalformed(new HeaderDictionary { [name] = value }));

    [Fact]
    public void OrdinaryFields_AreNot()
        => Assert.False(Http2Fields.AreMalformed(new HeaderDictionary
        {
            [":authority"] = "h",
            ["te"] = "trailers",
            ["x-empty"] = "",
            ["accept"] = "text/html, */*",
        }));
}
