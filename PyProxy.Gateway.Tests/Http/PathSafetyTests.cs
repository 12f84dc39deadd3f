using PyProxy.Gateway.Http;

namespace PyProxy.Gateway.Tests.Http;

public sealed class PathSafetyTests
{
    [Theory]
    [InlineData("/a/../b")]
    [InlineData("/a/./b")]
    [InlineData("/..")]
    [InlineData("/a/.")]
    [InlineData("/a/%2e%2e/b")]
    [InlineData("/a/%2E./b")]
    [InlineData("/a/.%2e")]
    [InlineData("/public/..%2fadmin")]
    [InlineData("/public%2F..%2Fadmin")]
    [InlineData("/public%5c..%5cadmin")]
    [InlineData("/public\\..\\admin")]
    [InlineData("/a/..;/b")]
    [InlineData("/a/%2e%2e;x=1/b")]
    public void DotSegmentInAnySpelling_IsFound(string path) => Assert.True(PathSafety.HasDotSegment(path));

    [Theory]
    [InlineData("/")]
    [InlineData("/a.b/..c/d..")]
    [InlineData("/...")]
    [InlineData("/.well-known/x")]
    [InlineData("/a;v=../b")]
    [InlineData("/a%2Fb/%2")]
    [InlineData("/%252e%252e/")]
    [InlineData("/~x+y/!$&()*+,=:@")]
    public void OtherPaths_AreLeftAlone(string path) => Assert.False(PathSafety.HasDotSegment(path));
}
