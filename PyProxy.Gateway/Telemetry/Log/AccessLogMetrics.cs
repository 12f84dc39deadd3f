using System.Diagnostics.Metrics;

namespace PyProxy.Gateway.Telemetry.Log;

internal sealed class AccessLogMetrics
{
    private readonly Counter<long> _dropped;
    private readonly Meter _meter;
    private long _records;

    public AccessLogMetrics(IMeterFactory meterFactory)
    {
        _meter = meterFactory.Create(ExchangeMetrics.MeterName);
        _dropped = _meter.CreateCounter<long>(
            "pyproxy.access_log.dropped", "{record}", "Access-log records that were lost: the queue was full, or they could not be written.");
        _meter.CreateObservableCounter("pyproxy.access_log.records", () => Interlocked.Read(ref _records), "{record}", "Records handed to the access log.");
    }

    public void Taken() => Interlocked.Increment(ref _records);

    public void QueueFull() => _dropped.Add(1, new KeyValuePair<string, object?>("reason", "queue_full"));

    public void NotWritten(int records) => _dropped.Add(records, new KeyValuePair<string, object?>("reason", "write_failed"));

    /// <summary>Shows what waits to be written; read when metrics are collected.</summary>
    public void ObserveQueue(Func<long> bytes)
        => _meter.CreateObservableGauge("pyproxy.access_log.queue", bytes, "By", "Bytes of records that wait to be written.");
}
