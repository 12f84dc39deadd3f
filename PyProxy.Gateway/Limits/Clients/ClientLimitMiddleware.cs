using PyProxy.Gateway.Http;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Limits.Clients;

/// <summary>Refuses an address that asks too often, before its credentials are looked at: looking is what costs most.</summary>
internal sealed class ClientLimitMiddleware(RequestDelegate next, ClientLimits limits, RefusalWriter refusals)
{
    public Task InvokeAsync(HttpContext context)
    {
        var exchange = Exchange.Of(context);
        return exchange.Role != ListenerRole.Admin && limits.Charge(exchange) is { } refusal
            ? refusals.WriteAsync(context, refusal)
            : next(context);
    }
}
