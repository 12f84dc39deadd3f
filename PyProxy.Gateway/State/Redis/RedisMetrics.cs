using System.Diagnostics.Metrics;

namespace PyProxy.Gateway.State.Redis;

internal sealed class RedisMetrics
{
    private readonly Counter<long> _calls;
    private readonly Histogram<double> _duration;
    private readonly Counter<long> _changes;
    private int _connected = -1;

    public RedisMetrics(IMeterFactory meters)
    {
        var meter = meters.Create("PyProxy.Gateway");
        _calls = meter.CreateCounter<long>("pyproxy.redis.calls", "{call}", "Calls to Redis, by outcome (ok, slow, failed).");
        _duration = meter.CreateHistogram<double>(
            "pyproxy.redis.call.duration",
            "s",
            "Duration of calls to Redis that were answered.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25] });
        _changes = meter.CreateCounter<long>("pyproxy.redis.changes", "{change}", "How often Redis went away (away) and came back (connected).");
        meter.CreateObservableGauge(
            "pyproxy.redis.connected",
            () => _connected < 0 ? [] : new[] { new Measurement<int>(_connected) },
            description: "1 while Redis answers in time, 0 while it is away. No series where no Redis is configured.");
    }

    public bool IsDurationEnabled => _duration.Enabled;

    public void Answered(TimeSpan duration)
    {
        _calls.Add(1, new KeyValuePair<string, object?>("outcome", "ok"));
        _duration.Record(duration.TotalSeconds);
    }

    /// <param name="outcome">slow or failed.</param>
    public void NotAnswered(string outcome) => _calls.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    public void Changed(bool connected)
    {
        _connected = connected ? 1 : 0;
        _changes.Add(1, new KeyValuePair<string, object?>("state", connected ? "connected" : "away"));
    }
}
