using System.Collections.Frozen;
using Microsoft.Extensions.Options;
using PyProxy.Gateway.Traffic;
using Yarp.ReverseProxy.Model;

namespace PyProxy.Gateway.Limits.Plans;

/// <summary>Which plans apply to a request, and to whom their counts belong.</summary>
internal sealed class PlanSelector : IDisposable
{
    private readonly PlanDirectory _plans;
    private readonly IDisposable? _subscription;
    private volatile FrozenDictionary<string, string> _groupPlans;

    public PlanSelector(PlanDirectory plans, IOptionsMonitor<LimitsOptions> options)
    {
        _plans = plans;
        _groupPlans = Compile(options.CurrentValue);
        _subscription = options.OnChange(changed => _groupPlans = Compile(changed));
    }

    /// <summary>Puts the question that <paramref name="context"/> is into <paramref name="attempt"/>, and the plans' egress profile into the exchange.</summary>
    public void Fill(LimitAttempt attempt, HttpContext context, Exchange exchange)
    {
        exchange.EgressProfileByPlan = null;
        var route = context.GetEndpoint()?.Metadata.GetMetadata<RouteModel>()?.Config;
        attempt.Subject = new LimitSubject(
            exchange.User, LimitSubject.NetworkOf(exchange.ClientAddress), route?.RouteId ?? "", HostOf(context, exchange));
        attempt.IsTunnel = exchange.WayIn is WayIn.Connect or WayIn.Socks;

        // 1. Who asks
        if (exchange.Account is { } account)
        {
            AddPlan(attempt, exchange, account.Plan);
            AddGroupPlans(attempt, exchange, account);
        }

        // 2. What a rule said
        AddPlan(attempt, exchange, exchange.PlanByRule);

        // 3. Where it came in and goes to
        var routePlan = RoutePlan.Of(route);
        if (RoutePlan.Disabled.Equals(routePlan, StringComparison.OrdinalIgnoreCase))
        {
            return;
        }

        AddPlan(attempt, exchange, routePlan);
        AddPlan(attempt, exchange, context.Features.Get<IListenerFeature>()?.Plan);
    }

    public void Dispose() => _subscription?.Dispose();

    private static FrozenDictionary<string, string> Compile(LimitsOptions options) => options.GroupPlans.ToFrozenDictionary(StringComparer.Ordinal);

    // Text that the client chose, in the spelling that rules see; what is no host has been refused before.
    private static string HostOf(HttpContext context, Exchange exchange)
    {
        if (exchange.Target is { } target)
        {
            return target.Host;
        }

        return context.Request.Host is { HasValue: true, Value: var host } && HostPort.TryParse(host, defaultPort: 80, out var parsed) ? parsed.Host : "";
    }

    private void AddGroupPlans(LimitAttempt attempt, Exchange exchange, KnownUser account)
    {
        var plans = _groupPlans;
        if (plans.Count == 0)
        {
            return;
        }

        var groups = account.Groups;
        for (var i = 0; i < groups.Count; i++)
        {
            AddPlan(attempt, exchange, plans.GetValueOrDefault(groups[i]));
        }
    }

    private void AddPlan(LimitAttempt attempt, Exchange exchange, string? name)
    {
        if (name is null)
        {
            return;
        }

        if (_plans.Find(name) is { } plan)
        {
            attempt.Add(plan);
            exchange.EgressProfileByPlan ??= plan.EgressProfile;
        }
        else
        {
            attempt.UnknownPlans++; // validation keeps the configuration from naming one; a user store or a token may
        }
    }
}
