using System.Diagnostics;
using System.Diagnostics.Metrics;
using PyProxy.Gateway.Limits.Plans;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Limits;

internal sealed class LimitsMetrics
{
    private readonly Meter _meter;
    private readonly Counter<long> _decisions;
    private readonly Counter<double> _throttled;
    private readonly Counter<long> _queued;

    public LimitsMetrics(IMeterFactory meters)
    {
        var meter = _meter = meters.Create("PyProxy.Gateway");
        _decisions = meter.CreateCounter<long>(
            "pyproxy.limiter.decisions", "{decision}",
            "Decisions about requests, by plan, limit (of refusals) and outcome (allowed, refused, charged, unknown_plan).");
        _queued = meter.CreateCounter<long>(
            "pyproxy.limiter.queued_requests", "{request}",
            "Requests that found no free place under Gateway:Limits:Overload, by outcome (admitted, refused).");
        _throttled = meter.CreateCounter<double>(
            "pyproxy.limiter.throttled_time", "s", "Time that transfers have waited for bandwidth, by plan and direction (down, up).");
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

    /// <summary>A request had to wait for a place, or could not.</summary>
    public void Queued(bool admitted)
    {
        if (_queued.Enabled)
        {
            _queued.Add(1, new KeyValuePair<string, object?>("outcome", admitted ? "admitted" : "refused"));
        }
    }

    /// <summary>Shows what is in use at the moment; read when metrics are collected.</summary>
    public void Observe(Func<int> admitted, Func<int> waiting)
    {
        _meter.CreateObservableGauge(
            "pyproxy.limiter.admitted", admitted, "{request}", "Requests that have a place under Gateway:Limits:Overload:MaxConcurrency.");
        _meter.CreateObservableGauge("pyproxy.limiter.queue_length", waiting, "{request}", "Requests that wait for a place.");
    }

    public void Throttled(string plan, TransferDirection direction, TimeSpan time)
    {
        if (_throttled.Enabled)
        {
            _throttled.Add(time.TotalSeconds, new TagList { { "plan", plan }, { "direction", direction == TransferDirection.Down ? "down" : "up" } });
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
