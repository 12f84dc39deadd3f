using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Configuration;

/// <summary>An egress profile that an account, a plan, a rule or a cluster names must exist: a misspelt one would stop what was to leave by it.</summary>
internal sealed class EgressReferenceValidator : ICrossSectionValidator
{
    private const string Profiles = "Gateway:Egress:Profiles";
    private const string Key = "EgressProfile";

    public void Validate(IConfiguration candidate, ConfigurationErrors errors)
    {
        List<string> profiles = [.. candidate.GetSection(Profiles).GetChildren().Select(static profile => profile.Key), "direct"];
        foreach (var reference in References(candidate))
        {
            if (reference.Value is { Length: > 0 } profile && !profiles.Contains(profile, StringComparer.OrdinalIgnoreCase))
            {
                var hint = Spelling.Nearest(profile, profiles) is { } meant ? $"did you mean '{meant}'?" : $"there are: {string.Join(", ", profiles)}";
                errors.Add(reference.Path, $"there is no egress profile '{profile}' in {Profiles}; {hint}");
            }
        }
    }

    private static IEnumerable<IConfigurationSection> References(IConfiguration candidate) =>
    [
        .. candidate.GetSection("Gateway:Users:Accounts").GetChildren().Select(static account => account.GetSection(Key)),
        .. candidate.GetSection("Gateway:Plans").GetChildren().Select(static plan => plan.GetSection(Key)),
        .. candidate.GetSection("Gateway:Filtering:Rules").GetChildren().Select(static rule => rule.GetSection(Key)),
        .. candidate.GetSection("ReverseProxy:Clusters").GetChildren().Select(static cluster => cluster.GetSection($"Metadata:{Key}")),
    ];
}
