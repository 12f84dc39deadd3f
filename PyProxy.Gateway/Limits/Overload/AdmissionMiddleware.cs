using PyProxy.Gateway.Http;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Limits.Overload;

/// <summary>
/// Lets no more requests through than the gateway is to work on at once. Behind the rates, which refuse without waiting. A tunnel has its place
/// only until it stands: open and idle ones are no work.
/// </summary>
internal sealed class AdmissionMiddleware(RequestDelegate next, FairAdmission admission, RefusalWriter refusals, LimitsMetrics metrics, TimeProvider time)
{
    private const string Setting = "Gateway:Limits:Overload:MaxConcurrency";
    private const string MachineSetting = "Gateway:Limits:Overload:Machine";

    private static readonly ProxyError Overloaded = new(
        StatusCodes.Status503ServiceUnavailable, "connection_limit_reached", Fault.Gateway, "The gateway has more work than it can do in time.")
    {
        DecidedBy = "overload",
    };

    private static readonly TimeSpan UnknownWait = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(1);

    public Task InvokeAsync(HttpContext context)
    {
        var exchange = Exchange.Of(context);
        if (exchange.Role == ListenerRole.Admin)
        {
            return next(context); // whoever looks at an overloaded gateway must get in
        }

        var user = AdmissionKey.Of(exchange);
        return admission.TryEnter(user, out var place) ? RunAsync(context, exchange, place) : WaitAsync(context, exchange, user);
    }

    private async Task WaitAsync(HttpContext context, Exchange exchange, AdmissionKey user)
    {
        var began = time.GetTimestamp();
        var place = await admission.EnterAsync(user, context.RequestAborted);
        metrics.Queued(place.IsGiven, time.GetElapsedTime(began));
        if (place.IsGiven)
        {
            await RunAsync(context, exchange, place);
        }
        else
        {
            var wait = place.Wait ?? UnknownWait;
            RefusedConnection.LeaveUnread(context);
            await refusals.WriteAsync(
                context,
                Overloaded with
                {
                    RetryAfter = wait < LongestWait ? wait : LongestWait,
                    Setting = admission.IsThrottled ? MachineSetting : Setting,
                });
        }
    }

    private async Task RunAsync(HttpContext context, Exchange exchange, AdmissionPlace place)
    {
        var guard = new PlaceGuard(admission, place, exchange.TunnelObserver);
        exchange.TunnelObserver = guard;
        try
        {
            await next(context);
        }
        finally
        {
            guard.Leave();
        }
    }

    /// <summary>Gives the place back once: when the tunnel stands, or else when the exchange ends.</summary>
    private sealed class PlaceGuard(FairAdmission admission, AdmissionPlace place, ITunnelObserver? inner) : ITunnelObserver
    {
        private int _left;

        public void OnTunnelEstablished()
        {
            Leave();
            inner?.OnTunnelEstablished();
        }

        public void OnTunnelEnded() => inner?.OnTunnelEnded();

        public void Leave()
        {
            if (Interlocked.Exchange(ref _left, 1) == 0)
            {
                admission.Leave(place);
            }
        }
    }
}
