using PyProxy.Gateway.Http;

namespace PyProxy.Gateway.Tests.Http;

public sealed class RequestTargetTests
{
    [Theory]
    [InlineData("/a%2Fb?x=%2F", "/a%2Fb", "?x=%2F")]
    [InlineData("/a?", "/a", "?")]
    [InlineData("//a//b", "//a//b", "")]
    [InlineData("/to/http://other/x", "/to/http://other/x", "")]
    [InlineData("http://host:1/a/b?q", "/a/b", "?q")]
    [InlineData("http://host", "/", "")]
    [InlineData("http://host?q=/", "/", "?q=/")]
    [InlineData("*", "*", "")]
    public void EachForm_IsSplitWithoutChangingIt(string target, string path, string query)
    {
        var split = RequestTarget.Split(target);

        Assert.Equal(path, split.Path);
        Assert.Equal(query, split.Query);
    }

    [Theory]
    [InlineData("/a b")]
    [InlineData("/a\r\nX: y")]
    [InlineData("/a#b")]
    [InlineData("/\u00e9")]
    [InlineData("")]
    public void CharactersThatNoTargetMayHave_AreNotWellFormed(string target) => Assert.False(RequestTarget.IsWellFormed(target));
}
