using PyProxy.Gateway.Traffic;
using Yarp.ReverseProxy.Forwarder;
using Yarp.ReverseProxy.Model;

namespace PyProxy.Gateway.Http;

/// <summary>
/// Tells statuses that the framework or YARP set without a body from an origin's answers without a body, which look alike at this point:
/// the former are refusals that owe an explanation, the latter are passed on as they came.
/// </summary>
internal static class BareStatus
{
    public static ProxyError? Explain(HttpContext context)
    {
        var status = context.Response.StatusCode;
        if (status < StatusCodes.Status400BadRequest)
        {
            return null;
        }

        if (context.Features.Get<IForwarderErrorFeature>() is { } failure)
        {
            return ForwarderFailure.Classify(failure.Error, failure.Exception, context);
        }

        var endpoint = context.GetEndpoint();
        if (endpoint is null)
        {
            return FromRouting(status);
        }

        // Routing's own endpoints (405, 415) carry nothing; those that forward carry at least what they are for.
        if (endpoint is not RouteEndpoint && endpoint.Metadata.Count == 0)
        {
            return FromRouting(status);
        }

        // A route whose cluster is gone: YARP answers 503 before it looks for a destination.
        return status == StatusCodes.Status503ServiceUnavailable
            && endpoint.Metadata.GetMetadata<RouteModel>() is not null
            && context.Features.Get<IReverseProxyFeature>() is null
                ? ProxyErrors.DestinationUnavailable("The route of this request has no cluster.")
                : null;
    }

    private static ProxyError FromRouting(int status) => status switch
    {
        StatusCodes.Status404NotFound => ProxyErrors.NoRoute,
        StatusCodes.Status405MethodNotAllowed
            => ProxyErrors.NotAllowed("No route takes this method.", setting: "ReverseProxy:Routes") with { Status = status },
        _ => ProxyErrors.BadRequest("The request was refused before it reached a route.") with { Status = status },
    };
}
