using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Telemetry;

/// <summary>How an exchange ended.</summary>
/// <param name="Status">The status the client got; 499 where it left before there was one.</param>
/// <param name="Duration">From the request's head to the end of its handling.</param>
/// <param name="TunnelDuration">From the tunnel's establishment to its end; <see langword="null"/> where there was none.</param>
/// <param name="Aborted">The answer, once begun, did not come to its proper end, or there was nobody left to get one.</param>
internal readonly record struct ExchangeOutcome(int Status, TimeSpan Duration, TimeSpan? TunnelDuration, bool Aborted);

/// <summary>The clock of one exchange, and the count of the tunnel that it may become.</summary>
internal sealed class ExchangeMeasure(Exchange exchange, ExchangeMetrics metrics, TimeProvider time) : ITunnelObserver
{
    private readonly long _started = time.GetTimestamp();
    private readonly Lock _end = new();
    private long _tunnelStarted;
    private bool _ended;

    public Exchange Exchange => exchange;

    public bool IsTunnel => exchange.IsTunnel;

    public TimeSpan Age => time.GetElapsedTime(_started);

    public void OnTunnelEstablished()
    {
        _tunnelStarted = time.GetTimestamp();
        metrics.TunnelOpened(exchange);
    }

    public ExchangeOutcome End(HttpContext context, Exception? failure)
    {
        lock (_end)
        {
            _ended = true;
        }

        var now = time.GetTimestamp();
        TimeSpan? tunnelDuration = exchange.IsTunnel ? time.GetElapsedTime(_tunnelStarted, now) : null;
        return new ExchangeOutcome(StatusOf(context, failure), time.GetElapsedTime(_started, now), tunnelDuration, IsAborted(context, failure));
    }

    /// <summary>Aborts the request if it has not ended. The server reuses contexts: aborting one too late would hit somebody else's request.</summary>
    public bool TryCut(HttpContext context)
    {
        lock (_end)
        {
            if (_ended)
            {
                return false;
            }

            context.Abort();
            return true;
        }
    }

    private int StatusOf(HttpContext context, Exception? failure)
    {
        if (exchange.IsTunnel && context.Response.StatusCode < StatusCodes.Status400BadRequest)
        {
            return StatusCodes.Status200OK; // over HTTP/1.1 and SOCKS5 the tunnel's answer goes past HttpResponse
        }

        if (context.Response.HasStarted)
        {
            return context.Response.StatusCode;
        }

        if (exchange.Error is { } error)
        {
            return error.Status;
        }

        if (context.RequestAborted.IsCancellationRequested)
        {
            return StatusCodes.Status499ClientClosedRequest;
        }

        return failure switch
        {
            null => context.Response.StatusCode,
            BadHttpRequestException bad => bad.StatusCode,
            _ => StatusCodes.Status500InternalServerError, // what Kestrel answers when the pipeline throws
        };
    }

    // The end of a tunnel closes its connection, which is not an abort; how it ended is the tunnel's own story.
    private bool IsAborted(HttpContext context, Exception? failure)
        => !exchange.IsTunnel && (context.RequestAborted.IsCancellationRequested || (failure is not null && context.Response.HasStarted));
}
