using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using PyProxy.Gateway.Listeners.Socks;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Listeners;

/// <summary>Completes at the request what adapters began on its connection. Stands before everything that looks at a request.</summary>
internal sealed class ListenerAdaptersMiddleware(RequestDelegate next)
{
    public Task InvokeAsync(HttpContext context)
    {
        var features = context.Features;

        // 1. The CONNECT head normaliser learns where the next request begins. On HTTP/2 requests share the connection's bytes: no such
        // place.
        if (features.Get<IRequestBoundaryFeature>() is { } boundary && !HttpProtocol.IsHttp2(context.Request.Protocol))
        {
            boundary.HeadConsumed(IsHeadAll(features));
        }

        // 2. A SOCKS client's destination that Kestrel's reading of a request target does not allow.
        if (features.Get<SocksTarget>() is { } target)
        {
            features.GetRequiredFeature<IHttpRequestFeature>().RawTarget = target.Authority;
            context.Request.Host = new HostString(target.Authority);
        }

        // 3. Only a forward request may name another scheme than its connection's (Kestrel's AllowAlternateSchemes knows no roles).
        if (!HttpProtocol.IsHttp11(context.Request.Protocol) && features.Get<IListenerFeature>()?.Role is not ListenerRole.Forward)
        {
            context.Request.IsHttps = HttpProtocol.IsHttp3(context.Request.Protocol) || features.Get<ITlsHandshakeFeature>() is not null;
        }

        return next(context);
    }

    /// <summary>
    /// Whether a request is its head and nothing else: Kestrel has consumed exactly the head by now, so the next byte begins another
    /// request where there is no body and no upgrade. Without the features that say so, nothing is proven.
    /// </summary>
    private static bool IsHeadAll(IFeatureCollection features)
        => features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false }
            && features.Get<IHttpUpgradeFeature>() is not { IsUpgradableRequest: true };
}
