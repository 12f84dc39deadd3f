using System.Diagnostics;
using PyProxy.Gateway.Telemetry.Traces;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Telemetry;

/// <summary>The clock of one exchange and of the tunnel that it may become; it writes the exchange's record at its end.</summary>
internal sealed class ExchangeMeasure(Exchange exchange, ExchangeRecords records) : ITunnelObserver, IUpstreamObserver
{
    private readonly long _started = records.Time.GetTimestamp();
    private readonly Lock _requestGate = new();
    private long _tunnelStarted;
    private long _chargedIn;
    private long _chargedOut;
    private TimeSpan? _gatewayTime;
    private TimeSpan _upstreamTime;
    private long _sentAt;
    private Activity? _try;
    private int _intervals;
    private bool _requestEnded;

    public Exchange Exchange => exchange;

    public bool IsTunnel => exchange.IsTunnel;

    public TimeSpan Age => records.Time.GetElapsedTime(_started);

    public void OnTunnelEstablished()
    {
        _tunnelStarted = records.Time.GetTimestamp();
        records.TunnelOpened(exchange);
    }

    public void OnSending(HttpRequestMessage? request)
    {
        OnAnswered(status: null); // a try that was given up without a word
        _sentAt = records.Time.GetTimestamp();
        _gatewayTime ??= records.Time.GetElapsedTime(_started, _sentAt);
        if (request is not null && exchange.Trace is { } trace)
        {
            _try = TrySpan.Start(trace, request, exchange.Role);
        }
    }

    public void OnAnswered(int? status)
    {
        if (_sentAt == 0)
        {
            return;
        }

        _upstreamTime += records.Time.GetElapsedTime(_sentAt);
        _sentAt = 0;
        if (_try is { } span)
        {
            _try = null;
            TrySpan.End(span, status);
        }
    }

    /// <summary>Counts what the tunnel has moved since the last time; without effect on what is none.</summary>
    public void ChargeTunnel()
    {
        if (!exchange.IsTunnel)
        {
            return;
        }

        lock (_requestGate)
        {
            var (bytesIn, bytesOut) = (exchange.BytesIn, exchange.BytesOut);
            if (bytesIn > _chargedIn || bytesOut > _chargedOut)
            {
                records.TunnelMoved(exchange, bytesIn - _chargedIn, bytesOut - _chargedOut);
                (_chargedIn, _chargedOut) = (bytesIn, bytesOut);
            }
        }
    }

    /// <summary>Whether another interval of a tunnel's life is over; true once for each time it is asked after one. For one asker.</summary>
    public bool IsIntervalOver(TimeSpan interval)
    {
        var intervals = (int)(records.Time.GetElapsedTime(_tunnelStarted) / interval);
        if (intervals <= _intervals)
        {
            return false;
        }

        _intervals = intervals;
        return true;
    }

    /// <summary>How a tunnel stands that is still open.</summary>
    public ExchangeOutcome SoFar() => Outcome(StatusCodes.Status200OK, isAborted: false);

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
        OnAnswered(status: null);
        ChargeTunnel();
        records.End(this, context, exchange, Outcome(StatusOf(context, failure), IsAborted(context, failure)));
    }

    // The answer went past HttpResponse; the end of a tunnel closes its connection, which is not an abort.
    public void OnTunnelEnded()
    {
        ChargeTunnel();
        records.End(this, context: null, exchange, SoFar());
    }

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
        var duration = records.Time.GetElapsedTime(_started, now);
        return new ExchangeOutcome(status, duration, tunnelDuration, isAborted)
        {
            GatewayTime = _gatewayTime ?? duration,
            UpstreamTime = _gatewayTime is null ? null : _upstreamTime,
        };
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
