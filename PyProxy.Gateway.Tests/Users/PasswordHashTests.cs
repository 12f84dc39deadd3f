using PyProxy.Gateway.Users;

namespace PyProxy.Gateway.Tests.Users;

public sealed class PasswordHashTests
{
    [Fact]
    public void EncodedForm_IsIdentitysAndComesBack()
    {
        var text = PasswordHash.Create("pass:wörd").ToString();

        Assert.StartsWith("AQAAAAIAAYag", text, StringComparison.Ordinal); // V3, HMAC-SHA512, 100,000
        Assert.True(PasswordHash.TryParse(text, out var hash));
        Assert.True(hash.Verify("pass:wörd"));
        Assert.False(hash.Verify("pass:word"));
    }

    [Fact]
    public void SamePassword_HasAnotherHashEachTime()
        => Assert.NotEqual(PasswordHash.Create("x").ToString(), PasswordHash.Create("x").ToString(), StringComparer.Ordinal);

    [Theory]
    [InlineData("")]
    [InlineData("secret")]
    [InlineData("AQAAAAIAAYag")]
    [InlineData("AQAAAAIAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==")] // no iterations
    [InlineData("AQAAAAL/////AAAAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==")] // 4 billion iterations
    [InlineData("AQAAAAIAAYag/////wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==")] // salt longer than everything
    [InlineData("$2y$10$abcdefghijklmnopqrstuuJ9mZ6K6bV0b1c2d3e4f5g6h7i8")] // too short
    public void WhatIsNoHash_IsRefused(string text) => Assert.False(PasswordHash.TryParse(text, out _));
}
