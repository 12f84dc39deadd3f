using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Limits;

/// <summary>
/// Makes a request that authorization or a rule refuses cost what an allowed one costs. Those stand before the limits, because a rule may
/// choose a plan; without this, hammering at a forbidden destination would be free.
/// </summary>
internal sealed class RefusedRequestCharge(RequestDelegate next, PlanRateLimiter limiter)
{
    public async Task InvokeAsync(HttpContext context)
    {
        await next(context);
        var exchange = Exchange.Of(context);
        if (exchange is { Verdict: Verdict.Denied, LimitsAsked: false } && exchange.Role != ListenerRole.Admin)
        {
            await limiter.ChargeAsync(context);
        }
    }
}
