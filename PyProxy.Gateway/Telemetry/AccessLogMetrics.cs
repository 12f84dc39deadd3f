using System.Diagnostics.Metrics;

namespace PyProxy.Gateway.Telemetry;

internal sealed class AccessLogMetrics
{
    private readonly Counter<long> _dropped;

    public AccessLogMetrics(IMeterFactory meterFactory)
        => _dropped = meterFactory.Create(ExchangeMetrics.MeterName).CreateCounter<long>(
            "pyproxy.access_log.dropped", "{record}", "Access-log records that were lost: the queue was full, or they could not be written.");

    public void QueueFull() => _dropped.Add(1, new KeyValuePair<string, object?>("pyproxy.reason", "queue_full"));

    public void NotWritten(int records) => _dropped.Add(records, new KeyValuePair<string, object?>("pyproxy.reason", "write_failed"));
}
