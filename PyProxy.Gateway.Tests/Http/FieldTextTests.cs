using PyProxy.Gateway.Http;

namespace PyProxy.Gateway.Tests.Http;

public sealed class FieldTextTests
{
    [Theory]
    [InlineData(null, null)]
    [InlineData("", "")]
    [InlineData("plain", "plain")]
    [InlineData("\u00c3\u00bc", "\u00fc")] // UTF-8, a character each byte
    [InlineData("\u00fc", "\u00fc")] // Latin-1
    [InlineData("\u00c3\u00bc \u00fc", "\u00c3\u00bc \u00fc")] // neither
    [InlineData("\u20ac", "\u20ac")] // text already
    public void Value_IsReadAsUtf8WhereItIsThat(string? value, string? text) => Assert.Equal(text, FieldText.Of(value));

    [Fact]
    public void LongValue_IsReadToo() => Assert.Equal(new string('\u00fc', 400), FieldText.Of(string.Concat(Enumerable.Repeat("\u00c3\u00bc", 400))));
}
