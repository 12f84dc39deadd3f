using Microsoft.AspNetCore.Mvc;
using PyProxy.Gateway.Explain;
using PyProxy.Gateway.Filtering;
using PyProxy.Gateway.Filtering.Rules;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Admin.Resources;

/// <summary>The rules of the traffic filter in force, and how often each has matched.</summary>
internal static class RulesResource
{
    public static void Map(IEndpointRouteBuilder api)
        => api.MapGet("/rules", Get).WithTags("Filtering").WithSummary("The rules in force, in order, with how often each has matched since the process began.");

    private static FilterRules Get([FromServices] FilteringRuntime filtering, [FromServices] ISettingPlaces places)
    {
        var current = filtering.Current;
        return new FilterRules(
            current.Default,
            current.ReportsOnly ? FilterMode.ReportOnly : FilterMode.Enforce,
            [.. current.Requests.All.Select(Describe)],
            [.. current.Responses.All.Select(Describe)]);

        FilterRule Describe(Rule rule) => new(
            rule.Index + 1,
            rule.Name,
            RuleNarrator.ActionOf(rule.Action),
            rule.ReportsOnly ? FilterMode.ReportOnly : FilterMode.Enforce,
            places.PlaceOf(rule.Setting),
            rule.Hits.Enforced,
            rule.Hits.Reported);
    }

    /// <param name="Default">What happens to an exchange that no rule decides.</param>
    /// <param name="Mode">Of the whole section.</param>
    /// <param name="Requests">Rules about requests, in order.</param>
    /// <param name="Responses">Rules about responses, in order.</param>
    internal sealed record FilterRules(FilterDefault Default, FilterMode Mode, IReadOnlyList<FilterRule> Requests, IReadOnlyList<FilterRule> Responses);

    /// <param name="Index">Place among its phase's rules, from 1.</param>
    /// <param name="Name">Its name.</param>
    /// <param name="Action">What it does.</param>
    /// <param name="Mode">Whether it has effect.</param>
    /// <param name="Place">Where it is written.</param>
    /// <param name="Hits">Times it has had effect.</param>
    /// <param name="Reported">Times it would have had effect, but only reports.</param>
    internal sealed record FilterRule(int Index, string Name, string Action, FilterMode Mode, SettingPlace Place, long Hits, long Reported);
}
