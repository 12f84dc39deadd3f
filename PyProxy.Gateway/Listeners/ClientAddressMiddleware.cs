namespace PyProxy.Gateway.Listeners;

/// <summary>
/// Puts the client's address in place of a trusted proxy's, before anything looks at it. The framework's forwarded-headers middleware is not
/// used: it knows nothing of <c>Forwarded</c> (RFC 7239), and it takes what it has read out of the fields, which the destination is to see.
/// </summary>
internal sealed class ClientAddressMiddleware(RequestDelegate next, TrustedProxies trusted)
{
    public Task InvokeAsync(HttpContext context)
    {
        // Without trusted proxies, or for anybody else, the fields are only what a stranger wrote.
        if (context.Connection.RemoteIpAddress is { } peer && trusted.Contains(peer))
        {
            context.Connection.RemoteIpAddress = ForwardedHops.ClientAddress(peer, context.Request.Headers, trusted);
        }

        return next(context);
    }
}

internal static class ClientAddressExtensions
{
    /// <summary>The client's address, from <c>X-Forwarded-For</c> or <c>Forwarded</c> where <c>Gateway:Listeners:TrustedProxies</c> says so.</summary>
    public static IApplicationBuilder UseClientAddress(this IApplicationBuilder app) => app.UseMiddleware<ClientAddressMiddleware>();
}
