using System.Text;
using PyProxy.Gateway.Users.Schemes.Passwords;

namespace PyProxy.Gateway.Tests.Users.Schemes.Passwords;

public sealed class BasicCredentialsTests
{
    [Theory]
    [InlineData("alice:secret", "alice", "secret")]
    [InlineData("alice:se:cr:et", "alice", "se:cr:et")]
    [InlineData("alice:", "alice", "")]
    [InlineData("älice:pässword", "älice", "pässword")]
    public void NameAndPassword_AreSeparatedByTheFirstColon(string text, string name, string password)
    {
        Assert.True(BasicCredentials.TryParse("bAsIc " + Convert.ToBase64String(Encoding.UTF8.GetBytes(text)), out var credentials));
        Assert.Equal(new BasicCredentials(name, password), credentials);
    }

    [Theory]
    [InlineData("Basic")]
    [InlineData("Basic ")]
    [InlineData("Basic !!!!")]
    [InlineData("Basic YWxpY2U6c2VjcmV0,Basic YWxpY2U6c2VjcmV0")]
    [InlineData("Basic YWxpY2U=")] // alice
    [InlineData("Basic OnNlY3JldA==")] // :secret
    [InlineData("Basic YTr/")] // a: and 0xFF
    [InlineData("Basic YTpiAGM=")] // a:b NUL c
    [InlineData("Basic YTpiDQpj")] // a:b CR LF c
    public void WhatIsNotNameAndPassword_IsRefused(string value) => Assert.False(BasicCredentials.TryParse(value, out _));

    [Fact]
    public void CredentialsOfSixtyFourKilobytes_AreRefused()
        => Assert.False(BasicCredentials.TryParse("Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes("a:" + new string('b', 65_536))), out _));
}
