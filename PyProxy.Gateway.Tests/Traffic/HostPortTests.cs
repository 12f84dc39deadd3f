using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Traffic;

public sealed class HostPortTests
{
    [Theory]
    [InlineData("example.org:443", "example.org", 443)]
    [InlineData("EXAMPLE.org.:443", "example.org", 443)]
    [InlineData("bücher.example:80", "xn--bcher-kva.example", 80)]
    [InlineData("[::1]:80", "::1", 80)]
    [InlineData("[0:0:0:0:0:0:0:1]:80", "::1", 80)]
    [InlineData("127.0.0.1:8080", "127.0.0.1", 8080)]
    [InlineData("a_b.example:1", "a_b.example", 1)]
    [InlineData("2130706433:80", "127.0.0.1", 80)]
    [InlineData("0x7f.1:80", "127.0.0.1", 80)]
    [InlineData("0177.0.0.1:80", "127.0.0.1", 80)]
    [InlineData("127.1.:80", "127.0.0.1", 80)]
    [InlineData("0:80", "0.0.0.0", 80)]
    public void Authority_IsBroughtToOneSpelling(string text, string host, int port)
    {
        Assert.True(HostPort.TryParse(text, 0, out var result));
        Assert.Equal(new HostPort(host, port), result);
    }

    [Theory]
    [InlineData("")]
    [InlineData(":443")]
    [InlineData("example.org")]
    [InlineData("example.org:")]
    [InlineData("example.org:0")]
    [InlineData("example.org:65536")]
    [InlineData("example.org:+80")]
    [InlineData("example.org:8 0")]
    [InlineData("user@example.org:80")]
    [InlineData("http://example.org:80")]
    [InlineData("::1:80")]
    [InlineData("[::1]")]
    [InlineData("[fe80::1%eth0]:80")]
    [InlineData("[127.0.0.1]:80")]
    [InlineData("a..b:80")]
    [InlineData(".:80")]
    [InlineData("a/b:80")]
    [InlineData("1.2.3.4.5:80")]
    [InlineData("256.1.1.1:80")]
    [InlineData("example.1:80")]
    [InlineData("a\0b:80")]
    public void NoAuthority_IsRefused(string text) => Assert.False(HostPort.TryParse(text, 0, out _));

    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("::1", true)]
    [InlineData("2130706433", false)]
    [InlineData("0x7f.1", false)]
    [InlineData("127.1", false)]
    [InlineData("localhost", false)]
    public void OnlyCanonicalLiterals_AreAddresses(string host, bool expected)
        => Assert.Equal(expected, new HostPort(host, 80).TryGetAddress(out _));
}
