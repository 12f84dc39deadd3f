using System.Diagnostics.Metrics;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using PyProxy.Gateway.Listeners;

namespace PyProxy.Gateway.Tests.Listeners;

/// <summary>The metrics of one test's adapters, and what they have counted.</summary>
internal sealed class RejectionCounter : IDisposable
{
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly MetricCollector<long> _collector;

    public RejectionCounter()
    {
        var factory = _services.GetRequiredService<IMeterFactory>();
        Metrics = new ListenerMetrics(factory);
        _collector = new MetricCollector<long>(factory, ListenerMetrics.MeterName, "pyproxy.listener.rejected_connections");
    }

    public ListenerMetrics Metrics { get; }

    public IReadOnlyList<string> Reasons
        => [.. _collector.GetMeasurementSnapshot().Select(measurement => $"{measurement.Tags["adapter"]}:{measurement.Tags["reason"]}")];

    public void Dispose()
    {
        _collector.Dispose();
        _services.Dispose();
    }
}
