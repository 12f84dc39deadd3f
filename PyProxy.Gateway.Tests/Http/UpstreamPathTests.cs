using PyProxy.Gateway.Http;

namespace PyProxy.Gateway.Tests.Http;

public sealed class UpstreamPathTests
{
    [Theory]
    [InlineData("/x/y z%2Fw", "/api/x/y z%2Fw", "/api/%78/y%20z%2fw", "/%78/y%20z%2fw")] // prefix removed
    [InlineData("/v1/a%2Fb", "/a%2Fb", "/%61%252Fb", "/v1/%61%252Fb")] // prefix added
    [InlineData("/fixed%2F\u00e9 x", "/a", "/a", "/fixed%2F%C3%A9%20x")] // path set
    [InlineData("/new/id%2F1/tail", "/old/id%2F1/x", "/old/id%2F1/x", "/new/id%2F1/tail")] // value in the middle
    [InlineData("/100%", "/a", "/a", "/100%25")]
    [InlineData("", "/api", "/api", "")]
    public void TransformedPath_KeepsWhatTheClientWroteWhereItCan(string transformed, string decoded, string raw, string expected)
        => Assert.Equal(expected, UpstreamPath.Encode(transformed, decoded, raw));

    [Theory]
    [InlineData("http://h:1/", "/a%2Fb", "?x=%2F", "http://h:1/a%2Fb?x=%2F")]
    [InlineData("http://h:1", "//a/%7e", "", "http://h:1//a/%7e")]
    [InlineData("http://h:1/base/", "/a", "?", "http://h:1/base/a?")]
    [InlineData("http://h:1/base", "", "", "http://h:1/base/")]
    public void Uri_IsWrittenAsGiven(string prefix, string path, string query, string expected)
        => Assert.Equal(expected, UpstreamPath.MakeUri(prefix, path, query).OriginalString);
}
