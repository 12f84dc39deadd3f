using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Telemetry;

/// <summary>How an exchange ended.</summary>
/// <param name="Status">The status the client got; 499 where it left before there was one.</param>
/// <param name="Duration">From the request's head to the end of its handling.</param>
/// <param name="TunnelDuration">From the tunnel's establishment to its end; <see langword="null"/> where there was none.</param>
/// <param name="Aborted">The answer, once begun, did not come to its proper end, or there was nobody left to get one.</param>
internal readonly record struct ExchangeOutcome(int Status, TimeSpan Duration, TimeSpan? TunnelDuration, bool Aborted);

/// <summary>The clock of one exchange and of the tunnel that it may become; it writes the exchange's record at its end.</summary>
internal sealed class ExchangeMeasure(Exchange exchange, ExchangeRecords records) : ITunnelObserver
{
    private readonly long _started = records.Time.GetTimestamp();
    private readonly Lock _requestGate = new();
    private long _tunnelStarted;
    private bool _requestEnded;

    public Exchange Exchange => exchange;

    public bool IsTunnel => exchange.IsTunnel;

    public TimeSpan Age => records.Time.GetElapsedTime(_started);

    public void OnTunnelEstablished()
    {
        _tunnelStarted = records.Time.GetTimestamp();
        records.TunnelOpened(exchange);
    }

    /// <summary>The request's handling has ended, and with it the exchange, unless it is a tunnel that goes on.</summary>
    public void EndRequest(HttpContext context, Exception? failure)
    {
        lock (_requestGate)
        {
            _requestEnded = true;
        }

        if (exchange.OutlivesRequest)
        {
            records.RequestEnded(this);
            return;
        }

        exchange.End();
        records.End(this, context, exchange, Outcome(StatusOf(context, failure), IsAborted(context, failure)));
    }

    // The answer went past HttpResponse; the end of a tunnel closes its connection, which is not an abort.
    public void OnTunnelEnded() => records.End(this, context: null, exchange, Outcome(StatusCodes.Status200OK, isAborted: false));

    /// <summary>Aborts the request if it has not ended. The server reuses contexts: aborting one too late would hit somebody else's request.</summary>
    public bool TryCut(HttpContext context)
    {
        lock (_requestGate)
        {
            if (_requestEnded)
            {
                return false;
            }

            context.Abort();
            return true;
        }
    }

    private ExchangeOutcome Outcome(int status, bool isAborted)
    {
        var now = records.Time.GetTimestamp();
        TimeSpan? tunnelDuration = exchange.IsTunnel ? records.Time.GetElapsedTime(_tunnelStarted, now) : null;
        return new ExchangeOutcome(status, records.Time.GetElapsedTime(_started, now), tunnelDuration, isAborted);
    }

    private int StatusOf(HttpContext context, Exception? failure)
    {
        if (exchange.IsTunnel && context.Response.StatusCode < StatusCodes.Status400BadRequest)
        {
            return StatusCodes.Status200OK;
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
