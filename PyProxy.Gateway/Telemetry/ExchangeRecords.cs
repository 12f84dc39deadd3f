using PyProxy.Gateway.Telemetry.Log;
using PyProxy.Gateway.Telemetry.Traces;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Telemetry;

/// <summary>Everything that is kept of exchanges: those under way, metrics, traces and the access log.</summary>
internal sealed class ExchangeRecords(
    ExchangeMetrics metrics, UserMetrics users, ServerSpans spans, AccessLog accessLog, LiveExchanges live, TimeProvider time)
{
    public TimeProvider Time { get; } = time;

    public void Begin(ExchangeMeasure measure, HttpContext context)
    {
        spans.Begin(context, measure.Exchange);
        live.Add(measure, context);
    }

    public void TunnelOpened(Exchange exchange) => metrics.TunnelOpened(exchange);

    public void TunnelMoved(Exchange exchange, long bytesIn, long bytesOut)
    {
        metrics.TunnelMoved(exchange, bytesIn, bytesOut);
        users.TunnelMoved(exchange, bytesIn, bytesOut);
    }

    /// <summary>The request has ended and its tunnel goes on: the server reuses the context, which must not be found here any more.</summary>
    public void RequestEnded(ExchangeMeasure measure) => live.ForgetContext(measure);

    /// <summary>To be called once per exchange; without a context at the end of a tunnel that has outlived its request.</summary>
    public void End(ExchangeMeasure measure, HttpContext? context, Exchange exchange, in ExchangeOutcome outcome)
    {
        metrics.Record(exchange, outcome);
        users.Record(exchange);
        accessLog.Write(context, exchange, outcome);
        live.Remove(measure); // behind its record: a shutdown that waits for the last exchange closes the log next
        ServerSpans.End(exchange, outcome); // last: exemplars of the metrics above point at it
    }
}
