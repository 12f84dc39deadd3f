using PyProxy.Gateway.Http;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Http;

public sealed class ViaTests
{
    private readonly Via _via = new(new GatewayIdentity("gw-1"));

    [Theory]
    [InlineData("HTTP/1.0", "1.0 gw-1")]
    [InlineData("HTTP/1.1", "1.1 gw-1")]
    [InlineData("HTTP/2", "2.0 gw-1")]
    public void Entry_NamesTheVersionReceived(string protocol, string expected) => Assert.Equal(expected, _via.ForRequest(protocol));

    [Theory]
    [InlineData("1.1 gw-1", true)]
    [InlineData("1.0 fred, HTTP/1.1 GW-1 (comment), 1.1 other", true)]
    [InlineData("1.1 gw-10", false)]
    [InlineData("1.1 fred (gw-1)", false)]
    [InlineData("gw-1", false)]
    [InlineData("", false)]
    public void OwnPseudonym_IsALoop(string received, bool expected) => Assert.Equal(expected, _via.IsLoop(received));
}
