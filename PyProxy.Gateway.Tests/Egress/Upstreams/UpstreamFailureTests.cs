using PyProxy.Gateway.Egress.Upstreams;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Egress.Upstreams;

public sealed class UpstreamFailureTests
{
    private static readonly HostPort Target = new("a.example", 443);

    private readonly UpstreamProxy _proxy = new(
        "squid-1", new UpstreamProxyOptions { Address = "http://10.0.0.5", User = "gw", Password = "s3cret" }, new UpstreamHealth(TimeProvider.System));

    [Theory]
    [InlineData(403, 502, "connection_refused")]
    [InlineData(503, 502, "connection_refused")]
    [InlineData(504, 504, "connection_timeout")]
    public void StatusOfAParent_SaysWhatItAnswered(int answered, int status, string token)
        => Check(UpstreamFailure.Refused(_proxy, Target, answered), status, token, answered);

    [Theory]
    [InlineData(1, 502, "connection_refused")]
    [InlineData(4, 502, "destination_ip_unroutable")]
    [InlineData(5, 502, "connection_refused")]
    [InlineData(6, 504, "connection_timeout")]
    public void ReplyOfASocksProxy_SaysWhy(byte reply, int status, string token)
        => Check(UpstreamFailure.Refused(_proxy, Target, reply), status, token, null);

    [Fact]
    public void ParentThatCannotBeReached_IsNamed_AndItsAddressIsNot()
    {
        Check(UpstreamFailure.Unreachable(_proxy, ProxyErrors.ConnectionRefused("10.0.0.5:3128 refused the connection.")), 502, "connection_refused", null);
        Check(UpstreamFailure.Unreachable(_proxy, ProxyErrors.DnsFailure("The name \"10.0.0.5\" does not resolve.")), 503, "destination_unavailable", null);
    }

    private static void Check(ProxyError error, int status, string token, int? received)
    {
        Assert.Equal((status, token, "squid-1", received), (error.Status, error.Token, error.NextHop, error.ReceivedStatus));
        Assert.DoesNotContain("10.0.0.5", error.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", error.ToString(), StringComparison.Ordinal);
    }
}
