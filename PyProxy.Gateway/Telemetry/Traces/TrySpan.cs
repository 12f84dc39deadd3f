using System.Diagnostics;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Telemetry.Traces;

/// <summary>The span of one try to have a request answered, from sending it to the head of the answer.</summary>
internal static class TrySpan
{
    private const string TraceParent = "traceparent";

    public static Activity? Start(Activity exchange, HttpRequestMessage request, ListenerRole role)
    {
        var span = GatewayTracing.Source.StartActivity(request.Method.Method, ActivityKind.Client, exchange.Context);
        if (span is null)
        {
            return null;
        }

        // The caller's flow ends with the transform that calls; what belongs below this span finds it on the request.
        Activity.Current = exchange;
        request.Options.Set(GatewayTracing.Try, span);
        span.SetTag("http.request.method", request.Method.Method);
        if (request.RequestUri is { } uri)
        {
            span.SetTag("server.address", uri.Host);
            span.SetTag("server.port", uri.Port);
        }

        // A route's destination belongs to whoever runs the gateway, and its spans go below this one. What a forward client sends is between it
        // and the origin.
        if (role == ListenerRole.Reverse)
        {
            request.Headers.Remove(TraceParent);
            request.Headers.TryAddWithoutValidation(TraceParent, span.Id);
        }

        return span;
    }

    public static void End(Activity span, int? status)
    {
        if (status is { } answered)
        {
            span.SetTag("http.response.status_code", answered);
            if (answered >= StatusCodes.Status400BadRequest)
            {
                span.Fail(StatusTags.Text(answered)); // by convention a client's span fails by both
            }
        }
        else
        {
            span.Fail("no_answer");
        }

        span.Dispose();
    }
}
