using PyProxy.Gateway.Privacy;

namespace PyProxy.Gateway.Tests.Privacy;

public sealed class UserAgentGeneraliserTests
{
    [Theory]
    [InlineData(
        "Mozilla/5.0 (Windows NT 6.1; Win64; x64; rv:124.0.2) Gecko/20100101 Firefox/124.0.2",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:124.0) Gecko/20100101 Firefox/124.0")]
    [InlineData(
        "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.6367.91 Safari/537.36 CorpBuild/7",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0 Safari/537.36")]
    [InlineData(
        "Mozilla/5.0 (Linux; Android 13; Pixel 7 Pro Build/TQ3A) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.6367.82 Mobile Safari/537.36",
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0 Mobile Safari/537.36")]
    [InlineData("curl/8.5.0", "curl/8")]
    [InlineData("python-requests/2.31.0 (build 77) on host42", "python-requests/2")]
    [InlineData("odd", "odd")]
    [InlineData("Mozilla/5.0 (unclosed", "Mozilla/5.0 (X11; Linux x86_64)")]
    public void UserAgent_KeepsProductAndMajorVersion(string userAgent, string expected)
        => Assert.Equal(expected, UserAgentGeneraliser.Apply(userAgent));

    [Fact]
    public void OverlongUserAgent_IsNotSentAtAll() => Assert.Equal("", UserAgentGeneraliser.Apply("agent/1 " + new string('x', 2000)));
}
