using PyProxy.Gateway.Privacy;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Tests.Privacy;

public sealed class PrivacyOptionsValidatorTests
{
    [Fact]
    public void Defaults_AreGood() => Assert.Empty(Errors(new PrivacyOptions()));

    [Fact]
    public void EveryMistake_IsToldWithItsPath()
    {
        var errors = Errors(new PrivacyOptions
        {
            UserAgent = UserAgentPolicy.Fixed,
            AllowedFields = ["Accept", "no name"],
            StripParameters = ["utm_*", "*", "a*b"],
            RequestFields = new FieldRulesOptions { Remove = ["Host"], Set = { ["X-A"] = "line\nbreak" } },
            Profiles = { ["open"] = new PrivacyProfileOptions { UserAgentValue = "without a policy" } },
            Users = { ["alice"] = "opne" },
        });

        Assert.Equal(
            ["AllowedFields:1", "Profiles:open:UserAgentValue", "RequestFields:Remove:0", "RequestFields:Set:X-A", "StripParameters:1", "StripParameters:2",
                "UserAgentValue", "Users:alice"],
            errors.Order(StringComparer.Ordinal));
    }

    private static IEnumerable<string> Errors(PrivacyOptions options)
    {
        var errors = new ConfigurationErrors();
        new PrivacyOptionsValidator().Validate(options, PrivacyOptions.SectionPath, errors);
        return errors.All.Select(e => e.Path["Gateway:Privacy:".Length..]);
    }
}
