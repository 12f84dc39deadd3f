using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Configuration;

/// <summary>
/// A plan that something names must exist: a misspelt one would leave users without limits, or a rule without effect. Routes are judged by YARP's
/// validation.
/// </summary>
internal sealed class PlanReferenceValidator : ICrossSectionValidator
{
    private const string Plans = "Gateway:Plans";

    public void Validate(IConfiguration candidate, ConfigurationErrors errors)
    {
        var plans = candidate.GetSection(Plans).GetChildren().Select(p => p.Key).ToList();
        foreach (var reference in References(candidate))
        {
            if (reference.Value is not { Length: > 0 } plan || plans.Contains(plan, StringComparer.OrdinalIgnoreCase))
            {
                continue;
            }

            var hint = Spelling.Nearest(plan, plans) is { } meant ? $"did you mean '{meant}'?"
                : plans.Count == 0 ? $"{Plans} defines none"
                : $"{Plans} defines: {string.Join(", ", plans)}";
            errors.Add(reference.Path, $"there is no plan '{plan}'; {hint}");
        }
    }

    private static IEnumerable<IConfigurationSection> References(IConfiguration candidate) =>
    [
        .. candidate.GetSection("Gateway:Users:Accounts").GetChildren().Select(static account => account.GetSection("Plan")),
        .. candidate.GetSection("Gateway:Authentication:Bearer:Issuers").GetChildren().Select(static issuer => issuer.GetSection("Plan")),
        .. candidate.GetSection("Gateway:Limits:GroupPlans").GetChildren(),
        .. candidate.GetSection("Gateway:Filtering:Rules").GetChildren().Select(static rule => rule.GetSection("Plan")),
        .. candidate.GetSection("Gateway:Filtering:Rules").GetChildren().SelectMany(static rule => InMatch(rule.GetSection("Match"))),
        .. candidate.GetSection("Gateway:Filtering:ResponseRules").GetChildren().SelectMany(static rule => InMatch(rule.GetSection("Match"))),
        .. candidate.GetSection("Kestrel:Endpoints").GetChildren().Select(static endpoint => endpoint.GetSection("Plan")),
    ];

    private static IEnumerable<IConfigurationSection> InMatch(IConfigurationSection match) =>
    [
        .. match.GetSection("Plans").GetChildren(),
        .. match.GetSection("All").GetChildren().Concat(match.GetSection("Any").GetChildren()).SelectMany(InMatch),
        .. match.GetSection("Not") is var not && not.Exists() ? InMatch(not) : [],
    ];
}
