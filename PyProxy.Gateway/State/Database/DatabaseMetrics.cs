using System.Diagnostics.Metrics;

namespace PyProxy.Gateway.State.Database;

internal sealed class DatabaseMetrics
{
    private readonly Counter<long> _failures;
    private volatile int _available = -1;

    public DatabaseMetrics(IMeterFactory meters)
    {
        var meter = meters.Create("PyProxy.Gateway");
        _failures = meter.CreateCounter<long>("pyproxy.database.failures", "{failure}", "Operations that found the database away.");
        meter.CreateObservableGauge(
            "pyproxy.database.available", Observe, "{database}", "1 while the database answers, 0 while it is away; absent while nothing needs it.");
    }

    public void Failed() => _failures.Add(1);

    public void Available(bool available) => _available = available ? 1 : 0;

    private IEnumerable<Measurement<int>> Observe() => _available < 0 ? [] : [new Measurement<int>(_available)];
}
