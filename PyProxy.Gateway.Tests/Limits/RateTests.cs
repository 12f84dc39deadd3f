using PyProxy.Gateway.Limits;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Tests.Limits;

public sealed class RateTests
{
    [Theory]
    [InlineData("20/s burst 100", "20/s", 20.0, 100)]
    [InlineData("20/s", "20/s", 20.0, 20)]
    [InlineData(" 60/m  burst  1 ", "60/m", 1.0, 1)]
    [InlineData("3600/h", "3600/h", 1.0, 3600)]
    [InlineData("86400/d", "86400/d", 1.0, 86400)]
    public void Notation_IsRead(string text, string name, double perSecond, int burst)
    {
        Assert.True(Rate.TryParse(text, out var rate));
        Assert.Equal(new Rate(name, perSecond, burst), rate);
    }

    [Theory]
    [InlineData("")]
    [InlineData("20")]
    [InlineData("/s")]
    [InlineData("0/s")]
    [InlineData("-1/s")]
    [InlineData("+1/s")]
    [InlineData("1.5/s")]
    [InlineData("20/x")]
    [InlineData("20/sec")]
    [InlineData("20/s burst")]
    [InlineData("20/s burst 0")]
    [InlineData("20/s burst -5")]
    [InlineData("20/s bust 5")]
    [InlineData("20/s burst 5 5")]
    [InlineData("99999999999/s")]
    public void WhatIsNoRate_IsRefused(string text) => Assert.False(Rate.TryParse(text, out _));

    [Fact]
    public void EveryMistakeInPlans_IsReportedWithItsPath()
    {
        var errors = new ConfigurationErrors();
        new PlansOptionsValidator().Validate(
            new PlansOptions { ["a"] = new() { Rates = ["20/s", "x", "20/s burst 3"] }, ["Disable"] = new() { Rates = ["-1/s"] } }, "Gateway:Plans", errors);

        Assert.Equal(
            ["Gateway:Plans:a:Rates:1", "Gateway:Plans:a:Rates:2", "Gateway:Plans:Disable", "Gateway:Plans:Disable:Rates:0"],
            errors.All.Select(e => e.Path), StringComparer.Ordinal);
    }
}
