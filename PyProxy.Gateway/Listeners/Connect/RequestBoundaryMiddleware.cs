using Microsoft.AspNetCore.Http.Features;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Listeners.Connect;

/// <summary>
/// Tells the connection, for every HTTP/1 request, whether the next byte begins another request: Kestrel has consumed exactly the head by
/// now, so that is so where the request has no body and asks for no upgrade.
/// </summary>
internal sealed class RequestBoundaryMiddleware(RequestDelegate next)
{
    public Task InvokeAsync(HttpContext context)
    {
        // On HTTP/2 many requests share the connection's bytes: there is no such boundary.
        if (!HttpProtocol.IsHttp2(context.Request.Protocol) && context.Features.Get<IRequestBoundaryFeature>() is { } boundary)
        {
            // Without the features that say so, nothing is proven.
            boundary.HeadConsumed(
                context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false }
                && context.Features.Get<IHttpUpgradeFeature>() is not { IsUpgradableRequest: true });
        }

        return next(context);
    }
}
