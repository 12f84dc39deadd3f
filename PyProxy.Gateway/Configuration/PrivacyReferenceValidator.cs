using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Configuration;

/// <summary>A rule's privacy profile, and an endpoint that is given one, must exist: a misspelt name would reveal what it was to hide.</summary>
internal sealed class PrivacyReferenceValidator : ICrossSectionValidator
{
    private const string Profiles = "Gateway:Privacy:Profiles";
    private const string Endpoints = "Gateway:Privacy:Endpoints";
    private const string Rules = "Gateway:Filtering:Rules";

    public void Validate(IConfiguration candidate, ConfigurationErrors errors)
    {
        var profiles = Names(candidate, Profiles);
        foreach (var rule in candidate.GetSection(Rules).GetChildren())
        {
            var reference = rule.GetSection("PrivacyProfile");
            if (reference.Value is { Length: > 0 } profile && !profiles.Contains(profile))
            {
                errors.Add(reference.Path, $"there is no profile '{profile}' in {Profiles}");
            }
        }

        var listeners = Names(candidate, "Kestrel:Endpoints");
        foreach (var endpoint in candidate.GetSection(Endpoints).GetChildren().Where(endpoint => !listeners.Contains(endpoint.Key)))
        {
            errors.Add(endpoint.Path, $"there is no endpoint '{endpoint.Key}' in Kestrel:Endpoints");
        }
    }

    private static HashSet<string> Names(IConfiguration candidate, string path)
        => candidate.GetSection(path).GetChildren().Select(child => child.Key).ToHashSet(StringComparer.OrdinalIgnoreCase);
}
