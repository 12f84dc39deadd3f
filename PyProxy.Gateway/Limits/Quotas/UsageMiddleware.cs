using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Limits.Quotas;

/// <summary>From here on it is known who asks: what the exchange uses is the user's.</summary>
internal sealed class UsageMiddleware(RequestDelegate next, UsageLedger ledger)
{
    public Task InvokeAsync(HttpContext context)
    {
        var exchange = Exchange.Of(context);
        if (exchange.User is { } user && exchange.Role != ListenerRole.Admin)
        {
            context.Features.Set(ledger.Begin(user, exchange, context));
        }

        return next(context);
    }
}
