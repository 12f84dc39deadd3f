using PyProxy.Gateway.Limits.Plans;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Tests.Limits.Plans;

public sealed class PlansOptionsValidatorTests
{
    [Fact]
    public void EveryMistakeInPlans_IsReportedWithItsPath()
    {
        var options = new PlansOptions
        {
            ["a"] = new() { Rates = ["20/s", "x", "20/s burst 3"], Concurrency = 0, Tunnels = -1, ConcurrencyPer = "planet" },
            ["b"] = new() { ConcurrencyPer = "user", Bandwidth = new() { Down = "fast", Up = "1MB/s" }, Quotas = ["1GB/day", "2GB/day", "-1GB/month"] },
            ["Disable"] = new() { Rates = ["-1/s"] },
        };

        Assert.Equal(
            [
                "Gateway:Plans:a:Rates:1", "Gateway:Plans:a:Rates:2", "Gateway:Plans:a:Concurrency", "Gateway:Plans:a:Tunnels",
                "Gateway:Plans:a:ConcurrencyPer", "Gateway:Plans:b:ConcurrencyPer", "Gateway:Plans:b:Bandwidth:Down", "Gateway:Plans:b:Quotas:1",
                "Gateway:Plans:b:Quotas:2", "Gateway:Plans:Disable", "Gateway:Plans:Disable:Rates:0",
            ],
            PathsOf(options), StringComparer.Ordinal);
    }

    [Theory]
    [InlineData(true, "20/s", "10/m")]
    [InlineData(true, "5/h", "20/s")]
    [InlineData(true, "100/s", "5000/h burst 50")]
    [InlineData(false, "20/s burst 100", "5000/h")]
    [InlineData(false, "20/s", "10/m per host")]
    public void LimitThatAnotherMakesMeaningless_IsRefused(bool refused, params string[] rates)
        => Assert.Equal(refused ? ["Gateway:Plans:a:Rates:1"] : [], PathsOf(new PlansOptions { ["a"] = new() { Rates = rates } }));

    [Theory]
    [InlineData(true, "1GB/day", "1GB/month")]
    [InlineData(true, "10 requests/week", "20 requests/day")]
    [InlineData(false, "1GB/day", "20GB/month")]
    [InlineData(false, "1000 requests/day", "1KB/month")]
    public void QuotaThatAnotherMakesMeaningless_IsRefused(bool refused, params string[] quotas)
        => Assert.Equal(refused ? ["Gateway:Plans:a:Quotas:1"] : [], PathsOf(new PlansOptions { ["a"] = new() { Quotas = quotas } }));

    [Theory]
    [InlineData(true, "1MB/s")]
    [InlineData(false, "1.1MB/s")]
    public void SlowdownThatSlowsNothing_IsRefused(bool refused, string bandwidth) => Assert.Equal(
        refused ? ["Gateway:Plans:a:Quotas:0"] : [],
        PathsOf(new PlansOptions { ["a"] = new() { Bandwidth = new() { Up = bandwidth }, Quotas = ["1GB/day then slow 1MB/s"] } }));

    [Fact]
    public void UnknownTimeZone_IsNamed()
    {
        var errors = new ConfigurationErrors();
        new PlansOptionsValidator().Validate(new PlansOptions { ["a"] = new() { Quotas = ["1GB/day zone Mars/Olympus"] } }, "Gateway:Plans", errors);

        var error = Assert.Single(errors.All);
        Assert.Equal("Gateway:Plans:a:Quotas:0", error.Path);
        Assert.Contains("Mars/Olympus", error.Message, StringComparison.Ordinal);
    }

    private static string[] PathsOf(PlansOptions options)
    {
        var errors = new ConfigurationErrors();
        new PlansOptionsValidator().Validate(options, "Gateway:Plans", errors);
        return [.. errors.All.Select(error => error.Path)];
    }
}
