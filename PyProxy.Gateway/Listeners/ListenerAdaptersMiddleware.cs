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

        // 1. The CONNECT head normaliser learns where the next request begins, and tells a target that Kestrel's reading of it does not
        // allow. On HTTP/2 requests share the connection's bytes: no such place.
        var target = features.Get<SocksTarget>()?.Authority;
        IRequestBoundaryFeature? boundaryBehindChunks = null;
        if (features.Get<IRequestBoundaryFeature>() is { } boundary && !HttpProtocol.IsHttp2(context.Request.Protocol))
        {
            target = boundary.HeadConsumed(BodyLength(context));
            boundaryBehindChunks = context.Request.Headers.TransferEncoding.Count > 0 ? boundary : null;
        }

        // 2. The real target, which is such a one or a SOCKS client's.
        if (target is not null)
        {
            features.GetRequiredFeature<IHttpRequestFeature>().RawTarget = target;
            context.Request.Host = new HostString(target);
        }

        // 3. Only a forward request may name another scheme than its connection's (Kestrel's AllowAlternateSchemes knows no roles).
        if (!HttpProtocol.IsHttp11(context.Request.Protocol) && features.Get<IListenerFeature>()?.Role is not ListenerRole.Forward)
        {
            context.Request.IsHttps = HttpProtocol.IsHttp3(context.Request.Protocol) || features.Get<ITlsHandshakeFeature>() is not null;
        }

        return boundaryBehindChunks is null ? next(context) : RunAsync(context, boundaryBehindChunks);
    }

    private async Task RunAsync(HttpContext context, IRequestBoundaryFeature boundary)
    {
        await next(context);
        if (HasReadWholeBody(context))
        {
            boundary.BodyConsumed();
        }
    }

    /// <summary>Whether Kestrel has come to the end of a chunked body: it completes its reader after it has consumed the last byte, trailers included.</summary>
    private static bool HasReadWholeBody(HttpContext context)
    {
        var reader = context.Request.BodyReader;
        try
        {
            if (!reader.TryRead(out var read))
            {
                return false;
            }

            reader.AdvanceTo(read.Buffer.Start);
            return read is { IsCompleted: true, Buffer.IsEmpty: true };
        }
        catch (Exception e) when (e is IOException or InvalidOperationException or OperationCanceledException)
        {
            return false; // it broke off, which ends the connection, or was taken over by somebody
        }
    }

    /// <summary>
    /// Kestrel has consumed exactly the head by now, and will consume exactly the body that it says here, before it reads the next head.
    /// Without the features that say so, and where an upgrade or chunks decide it, nothing is proven.
    /// </summary>
    private static long? BodyLength(HttpContext context)
    {
        if (context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true })
        {
            return null;
        }

        return context.Features.Get<IHttpRequestBodyDetectionFeature>() switch
        {
            { CanHaveBody: false } => 0,
            not null when context.Request.Headers.TransferEncoding.Count == 0 => context.Request.ContentLength,
            _ => null,
        };
    }
}
