using System.Diagnostics;
using System.Globalization;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Telemetry.Traces;

/// <summary>
/// The span of an exchange, by OpenTelemetry's conventions for HTTP servers. Whether there is one is decided before anything is made:
/// the framework's own way makes an activity for every request and only then asks whether anybody wants it.
/// </summary>
internal sealed class ServerSpans(TraceSampling sampling)
{
    private const string TraceParent = "traceparent";
    private const string TraceState = "tracestate";
    private const string Baggage = "baggage";

    public void Begin(HttpContext context, Exchange exchange)
    {
        var isForward = exchange.Role is ListenerRole.Forward or ListenerRole.Socks;
        var mode = context.Features.Get<IListenerFeature>()?.TraceContext ?? (isForward ? TraceContext.New : TraceContext.Continue);
        if (mode == TraceContext.New && !isForward)
        {
            // Also where nothing is traced here: destinations must not take a stranger's word for it.
            context.Request.Headers.Remove(TraceParent);
            context.Request.Headers.Remove(TraceState);
            context.Request.Headers.Remove(Baggage);
        }

        if (sampling.IsOn)
        {
            exchange.Trace = Start(context, exchange, mode);
        }
    }

    /// <summary>Writes down how the exchange ended. From the exchange alone: a tunnel's request is gone by then.</summary>
    public static void End(Exchange exchange, in ExchangeOutcome outcome)
    {
        if (exchange.Trace is not { } span)
        {
            return;
        }

        span.SetTag("http.response.status_code", outcome.Status);
        span.SetTag("pyproxy.outcome", outcome.EndingOf(exchange).Name());
        span.SetTag("enduser.id", exchange.User);
        span.SetTag("pyproxy.cluster", exchange.Cluster);
        span.SetTag("pyproxy.destination", exchange.Destination);
        span.SetTag("pyproxy.decided_by", exchange.DecidedBy ?? exchange.Error?.DecidedBy);
        if (exchange.Route is { } route)
        {
            span.SetTag("pyproxy.route", route);
            span.DisplayName = $"{span.DisplayName} {route}";
        }

        if (exchange.Target is { } target)
        {
            span.SetTag("server.address", target.Host);
            span.SetTag("server.port", target.Port);
        }

        if (exchange.Error is { } error)
        {
            span.SetTag("error.type", error.Token ?? StatusTags.Text(error.Status));
        }

        // By convention a server's span fails by what is not its client's fault.
        if (outcome.Status >= StatusCodes.Status500InternalServerError)
        {
            span.SetStatus(ActivityStatusCode.Error);
            if (exchange.Error is null)
            {
                span.SetTag("error.type", outcome.Status.ToString(CultureInfo.InvariantCulture));
            }
        }

        span.Dispose();
    }

    private Activity? Start(HttpContext context, Exchange exchange, TraceContext mode)
    {
        var parent = default(ActivityContext);
        if (mode == TraceContext.Continue)
        {
            var headers = context.Request.Headers;
            if (headers[TraceParent] is [{ } traceParent]
                && !ActivityContext.TryParse(traceParent, headers[TraceState], isRemote: true, out parent))
            {
                parent = default;
            }
        }

        if (!sampling.Decide(ref parent))
        {
            return null;
        }

        var request = context.Request;
        var span = GatewayTracing.Source.StartActivity(request.Method, ActivityKind.Server, parent);
        if (span is null)
        {
            return null;
        }

        span.SetTag("http.request.method", request.Method);
        span.SetTag("url.scheme", request.Scheme);
        span.SetTag("url.path", request.Path.Value);
        span.SetTag("server.address", request.Host.Host);
        span.SetTag("network.protocol.version", request.Protocol.StartsWith("HTTP/", StringComparison.Ordinal) ? request.Protocol[5..] : request.Protocol);
        span.SetTag("client.address", exchange.ClientAddress?.ToString());
        span.SetTag("pyproxy.exchange.id", exchange.Id);
        span.SetTag("pyproxy.role", exchange.Role.Name());
        span.SetTag("pyproxy.way_in", exchange.WayIn.Name());
        return span;
    }
}
