using PyProxy.Gateway.Configuration;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Tests.Configuration;

public sealed class EgressReferenceValidatorTests
{
    [Theory]
    [InlineData("Gateway:Users:Accounts:alice:EgressProfile")]
    [InlineData("Gateway:Plans:gold:EgressProfile")]
    [InlineData("Gateway:Filtering:Rules:0:EgressProfile")]
    [InlineData("ReverseProxy:Clusters:c:Metadata:EgressProfile")]
    public void NameOfNoProfile_IsReportedWhereItStands(string path)
    {
        Assert.Empty(Validate(path, "EUROPE"));
        Assert.Empty(Validate(path, "direct"));

        var error = Assert.Single(Validate(path, "eurpoe"));

        Assert.Equal(path, error.Path);
        Assert.Contains("did you mean 'europe'?", error.Message, StringComparison.Ordinal);
    }

    private static IReadOnlyList<ConfigurationError> Validate(string path, string profile)
    {
        var errors = new ConfigurationErrors();
        var settings = new Dictionary<string, string?>(StringComparer.Ordinal) { ["Gateway:Egress:Profiles:europe:AddressFamily"] = "Any", [path] = profile };
        new EgressReferenceValidator().Validate(new ConfigurationBuilder().AddInMemoryCollection(settings).Build(), errors);
        return errors.All;
    }
}
