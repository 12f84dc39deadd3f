using PyProxy.Gateway.Http;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Filtering;

/// <summary>Stage 6: refuses what the rules do not allow, on every way in but the admin role.</summary>
internal sealed class TrafficFilterMiddleware(RequestDelegate next, TrafficFilter filter, RefusalWriter refusals)
{
    public Task InvokeAsync(HttpContext context)
    {
        var exchange = Exchange.Of(context);
        if (exchange.Role == ListenerRole.Admin)
        {
            return next(context);
        }

        if (!TryGetHost(context, exchange, out var host))
        {
            // Rules speak of hosts; what is none could mean anything to the origin behind them.
            return refusals.WriteAsync(context, ProxyErrors.BadRequest("The host asked for is neither a name nor an address."));
        }

        return filter.Judge(exchange, host) is { } error ? refusals.WriteAsync(context, error) : next(context);
    }

    /// <summary>The host that the client asks for, in canonical spelling; empty where it names none (HTTP/1.0).</summary>
    private static bool TryGetHost(HttpContext context, Exchange exchange, out string host)
    {
        if (exchange.Target is { } target)
        {
            host = target.Host;
            return true;
        }

        host = "";
        var requested = context.Request.Host;
        if (!requested.HasValue)
        {
            return true;
        }

        // The port is no part of the question; the default only satisfies the parser.
        if (!HostPort.TryParse(requested.Value, defaultPort: 80, out var parsed))
        {
            return false;
        }

        host = parsed.Host;
        return true;
    }
}
