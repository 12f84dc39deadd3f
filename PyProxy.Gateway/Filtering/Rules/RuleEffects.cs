using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Filtering.Rules;

/// <summary>What rules do that decide nothing.</summary>
internal static class RuleEffects
{
    private const int MaxTags = 32; // an exchange's line in the access log stays a line

    /// <param name="action">The action.</param>
    /// <param name="fields">The head that is meant; <see langword="null"/> on a way in without one.</param>
    /// <param name="exchange">The exchange.</param>
    public static void Apply(RuleAction action, IHeaderDictionary? fields, Exchange exchange)
    {
        switch (action.Kind)
        {
            case FilterAction.SetField when fields is not null:
                fields[action.Field] = action.Value;
                break;
            case FilterAction.RemoveField:
                fields?.Remove(action.Field);
                break;
            case FilterAction.EgressProfile:
                exchange.EgressProfile = action.Name;
                break;
            case FilterAction.PrivacyProfile:
                exchange.PrivacyProfile = action.Name;
                break;
            case FilterAction.Plan:
                exchange.PlanByRule = action.Name;
                break;
            case FilterAction.Tag when exchange.Tags is not { Count: >= MaxTags }:
                exchange.Tags = [.. exchange.Tags ?? [], action.Name];
                break;
        }
    }
}
