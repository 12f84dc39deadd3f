using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Configuration;

/// <summary>A user's plan must exist: a misspelt one would leave the user without limits.</summary>
internal sealed class PlanReferenceValidator : ICrossSectionValidator
{
    private const string Accounts = "Gateway:Users:Accounts";
    private const string Plans = "Gateway:Plans";

    public void Validate(IConfiguration candidate, ConfigurationErrors errors)
    {
        var plans = candidate.GetSection(Plans).GetChildren().Select(p => p.Key).ToList();
        foreach (var account in candidate.GetSection(Accounts).GetChildren())
        {
            var reference = account.GetSection("Plan");
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
}
