using PyProxy.Gateway.Privacy;

namespace PyProxy.Gateway.Tests.Privacy;

public sealed class QueryFilterTests
{
    private static readonly QueryFilter Filter = QueryFilter.Create(new PrivacyProfileOptions { StripTrackingParameters = true, StripParameters = ["ref", "x_*"] })!;

    [Theory]
    [InlineData("", "")]
    [InlineData("?", "?")]
    [InlineData("?a=1&b=2", "?a=1&b=2")]
    [InlineData("?utm_source=mail&a=1", "?a=1")]
    [InlineData("?a=1&utm_source=mail&b=%20c", "?a=1&b=%20c")]
    [InlineData("?a=1&fbclid=abc", "?a=1")]
    [InlineData("?fbclid=abc", "")]
    [InlineData("?FBCLID=abc&%75tm_medium=x&b", "?b")]
    [InlineData("?ref=1&referrer=2&x_1=3&x=4", "?referrer=2&x=4")]
    [InlineData("?a=1&&b=2&gclid=3", "?a=1&&b=2")]
    [InlineData("?q=utm_source%3Dx", "?q=utm_source%3Dx")]
    public void Query_LosesWhatTracks_AndKeepsTheRestByteForByte(string query, string expected) => Assert.Equal(expected, Filter.Apply(query));

    [Fact]
    public void NothingToRemove_NeedsNoFilter() => Assert.Null(QueryFilter.Create(new PrivacyProfileOptions()));
}
