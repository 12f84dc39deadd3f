using PyProxy.Gateway.Configuration;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Tests.Configuration;

public sealed class PlanReferenceValidatorTests
{
    [Theory]
    [InlineData("Gateway:Users:Accounts:alice:Plan")]
    [InlineData("Gateway:Authentication:Bearer:Issuers:company:Plan")]
    [InlineData("Gateway:Limits:GroupPlans:staff")]
    [InlineData("Gateway:Filtering:Rules:0:Plan")]
    [InlineData("Gateway:Filtering:Rules:0:Match:Plans:1")]
    [InlineData("Gateway:Filtering:Rules:0:Match:Any:2:Not:Plans:0")]
    [InlineData("Gateway:Filtering:ResponseRules:0:Match:Plans:0")]
    [InlineData("Kestrel:Endpoints:Web:Plan")]
    public void NameOfNoPlan_IsReportedWhereItStands(string path)
    {
        Assert.Empty(Validate(path, "STANDARD"));

        var error = Assert.Single(Validate(path, "standrad"));

        Assert.Equal(path, error.Path);
        Assert.Contains("there is no plan 'standrad'; did you mean 'standard'?", error.Message, StringComparison.Ordinal);
    }

    private static IReadOnlyList<ConfigurationError> Validate(string path, string plan)
    {
        var errors = new ConfigurationErrors();
        var settings = new Dictionary<string, string?>(StringComparer.Ordinal) { ["Gateway:Plans:standard:Concurrency"] = "50", [path] = plan };
        new PlanReferenceValidator().Validate(new ConfigurationBuilder().AddInMemoryCollection(settings).Build(), errors);
        return errors.All;
    }
}
