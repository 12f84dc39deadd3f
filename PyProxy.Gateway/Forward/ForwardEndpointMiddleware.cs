using PyProxy.Gateway.Http;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Forward;

/// <summary>Chooses the endpoint of requests on forward and SOCKS listeners before routing, which then leaves the choice alone.</summary>
internal sealed class ForwardEndpointMiddleware(RequestDelegate next, ForwardEndpoint endpoint, RefusalWriter refusals)
{
    public Task InvokeAsync(HttpContext context)
    {
        var exchange = Exchange.Of(context);
        if (exchange.Role is not (ListenerRole.Forward or ListenerRole.Socks))
        {
            return next(context);
        }

        var target = ForwardTarget.Parse(context, out var error);
        if (error is not null)
        {
            return refusals.WriteAsync(context, error);
        }

        exchange.Target = target.Authority;
        if (target.Scheme is { } scheme)
        {
            context.Request.Scheme = scheme; // the server's own is that of the connection, which is not what was asked for
        }

        context.SetEndpoint(endpoint.For(target, context.Features.Get<IListenerFeature>()));
        return next(context);
    }
}
