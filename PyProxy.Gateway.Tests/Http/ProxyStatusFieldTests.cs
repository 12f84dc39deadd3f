using PyProxy.Gateway.Http;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Http;

public sealed class ProxyStatusFieldTests
{
    [Theory]
    [InlineData("gateway-1", "plain", "gateway-1; error=dns_error; details=\"plain\"")]
    [InlineData("1st", "plain", "\"1st\"; error=dns_error; details=\"plain\"")]
    [InlineData("two words", "plain", "\"two words\"; error=dns_error; details=\"plain\"")]
    [InlineData("g", "a \"quote\" and \\", "g; error=dns_error; details=\"a \\\"quote\\\" and \\\\\"")]
    [InlineData("g", "line\r\nbreak ü", "g; error=dns_error; details=\"line??break ?\"")]
    public void Error_IsWrittenAsStructuredField(string pseudonym, string detail, string expected)
        => Assert.Equal(expected, ProxyStatusField.Format(pseudonym, ProxyErrors.DnsFailure(detail)));

    [Fact]
    public void LongDetail_IsCut()
        => Assert.True(ProxyStatusField.Format("g", ProxyErrors.DnsFailure(new string('x', 10_000))).Length < 600);
}
