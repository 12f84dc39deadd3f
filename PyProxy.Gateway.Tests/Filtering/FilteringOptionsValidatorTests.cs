using PyProxy.Gateway.Filtering;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Tests.Filtering;

public sealed class FilteringOptionsValidatorTests
{
    [Fact]
    public void EveryMistake_IsReportedWithItsPath()
    {
        var options = new FilteringOptions
        {
            Rules =
            [
                new() { Name = "a", Match = new() { Hosts = ["ok.example", "*.ok.example", "*", "http://x", "*.10.0.0.1"] }, Action = FilterAction.Deny },
                new() { Name = "A", Match = new() { ClientAddresses = ["10.0.0.0/8", "::1", "10.0.0.0/", "10.0.0.0/33", "x"] } },
                new() { Action = (FilterAction)70, Mode = (FilterMode)7 },
            ],
        };
        var errors = new ConfigurationErrors();
        new FilteringOptionsValidator().Validate(options, "Gateway:Filtering", errors);

        Assert.Equal(
            [
                "Gateway:Filtering:Rules:0:Match:Hosts:2", "Gateway:Filtering:Rules:0:Match:Hosts:3", "Gateway:Filtering:Rules:0:Match:Hosts:4",
                "Gateway:Filtering:Rules:1:Name", "Gateway:Filtering:Rules:1:Action", "Gateway:Filtering:Rules:1:Match:ClientAddresses:2",
                "Gateway:Filtering:Rules:1:Match:ClientAddresses:3", "Gateway:Filtering:Rules:1:Match:ClientAddresses:4",
                "Gateway:Filtering:Rules:2:Name", "Gateway:Filtering:Rules:2:Action", "Gateway:Filtering:Rules:2:Mode", "Gateway:Filtering:Rules:2:Match",
            ],
            errors.All.Select(e => e.Path), StringComparer.Ordinal);
    }
}
