using System.Diagnostics;
using System.Diagnostics.Metrics;
using PyProxy.Gateway.Limits.Plans;

namespace PyProxy.Gateway.Limits;

internal sealed class LimitsMetrics
{
    private readonly Counter<long> _decisions;

    public LimitsMetrics(IMeterFactory meters)
    {
        var meter = meters.Create("PyProxy.Gateway");
        _decisions = meter.CreateCounter<long>(
            "pyproxy.limiter.decisions", "{decision}",
            "Decisions about requests, by plan, limit (of refusals) and outcome (allowed, refused, charged, unknown_plan).");
    }

    /// <summary>Every plan that applied let the request pass.</summary>
    public void Allowed(LimitAttempt attempt) => CountAll(attempt, "allowed");

    /// <summary>Permits were charged for a request that a rule had refused.</summary>
    public void Charged(LimitAttempt attempt) => CountAll(attempt, "charged");

    public void Refused(Limit limit)
    {
        if (_decisions.Enabled)
        {
            _decisions.Add(1, new TagList { { "outcome", "refused" }, { "plan", limit.Plan }, { "limit", limit.Name } });
        }
    }

    /// <summary>Something names a plan that is not there; the name is not repeated, for a token's claim could say anything.</summary>
    public void UnknownPlan()
    {
        if (_decisions.Enabled)
        {
            _decisions.Add(1, new TagList { { "outcome", "unknown_plan" }, { "plan", "" }, { "limit", "" } });
        }
    }

    private void CountAll(LimitAttempt attempt, string outcome)
    {
        if (!_decisions.Enabled)
        {
            return;
        }

        foreach (var plan in attempt.Plans)
        {
            _decisions.Add(1, new TagList { { "outcome", outcome }, { "plan", plan.Name }, { "limit", "" } });
        }
    }
}
