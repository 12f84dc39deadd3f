using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using PyProxy.Gateway.Limits.Plans;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Limits;

internal sealed class LimitsMetrics
{
    private readonly Meter _meter;
    private readonly Counter<long> _decisions;
    private readonly Counter<double> _throttled;
    private readonly Counter<long> _queued;
    private readonly Histogram<double> _queueDuration;
    private readonly ConcurrentDictionary<string, StrongBox<long>> _held = new(StringComparer.OrdinalIgnoreCase);

    public LimitsMetrics(IMeterFactory meters)
    {
        var meter = _meter = meters.Create("PyProxy.Gateway");
        _decisions = meter.CreateCounter<long>(
            "pyproxy.limiter.decisions", "{decision}",
            "Decisions about requests, by plan, limit (of refusals) and outcome (allowed, refused, charged, unknown_plan).");
        _queued = meter.CreateCounter<long>(
            "pyproxy.limiter.queued_requests", "{request}",
            "Requests that found no free place under Gateway:Limits:Overload, by outcome (admitted, refused).");
        _queueDuration = meter.CreateHistogram(
            "pyproxy.limiter.queue.duration", "s", "How long requests waited that found no free place, by outcome (admitted, refused).",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] });
        meter.CreateObservableGauge(
            "pyproxy.limiter.permits", Held, "{permit}",
            "Requests and tunnels that hold a permit of a limit on how many there may be at once, by plan.");
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

    /// <summary>A request's user has plans that are not there; the names are not repeated, for a token's claim could say anything.</summary>
    public void UnknownPlans(int count)
    {
        if (_decisions.Enabled)
        {
            _decisions.Add(count, new TagList { { "outcome", "unknown_plan" }, { "plan", "" }, { "limit", "" } });
        }
    }

    /// <summary>A request had to wait for a place, or could not.</summary>
    public void Queued(bool admitted, TimeSpan waited)
    {
        var outcome = new KeyValuePair<string, object?>("outcome", admitted ? "admitted" : "refused");
        _queued.Add(1, outcome);
        _queueDuration.Record(waited.TotalSeconds, outcome);
    }

    /// <summary>Permits of the plans' limits on how many there may be at once were taken (1), or given back (-1).</summary>
    public void Held(LimitAttempt attempt, int change)
    {
        foreach (var plan in attempt.Plans)
        {
            if (plan.HasHeld)
            {
                Interlocked.Add(ref _held.GetOrAdd(plan.Name, static _ => new StrongBox<long>()).Value, change);
            }
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

    private IEnumerable<Measurement<long>> Held()
    {
        foreach (var (plan, held) in _held)
        {
            yield return new Measurement<long>(Interlocked.Read(ref held.Value), new KeyValuePair<string, object?>("plan", plan));
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
