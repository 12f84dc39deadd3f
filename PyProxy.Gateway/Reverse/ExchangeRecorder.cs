using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Reverse;

/// <summary>Writes into the exchange which route, cluster and destination YARP chose; the first stage inside YARP's pipeline.</summary>
internal sealed class ExchangeRecorder(RequestDelegate next)
{
    public Task InvokeAsync(HttpContext context)
    {
        if (context.Features.Get<Exchange>() is not { } exchange)
        {
            return next(context);
        }

        var route = context.GetRouteModel();
        exchange.Route = route.Config.RouteId;
        exchange.Cluster = route.Config.ClusterId;
        return RecordDestinationAsync(context, exchange);
    }

    private async Task RecordDestinationAsync(HttpContext context, Exchange exchange)
    {
        try
        {
            await next(context);
        }
        finally
        {
            // Also of an exchange that failed: that is when one wants to know. A retry leaves the destination that was tried last.
            exchange.Destination = context.GetReverseProxyFeature().ProxiedDestination?.DestinationId;
        }
    }
}
