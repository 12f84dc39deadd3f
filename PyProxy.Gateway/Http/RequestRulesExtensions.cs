using System.Text;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace PyProxy.Gateway.Http;

internal static class RequestRulesExtensions
{
    /// <summary>
    /// The rules that both proxies share, and the server's defaults that a proxy needs. Needs a <see cref="Traffic.GatewayIdentity"/> among the
    /// services.
    /// </summary>
    public static IServiceCollection AddRequestRules(this IServiceCollection services)
    {
        services.AddProxyErrors();
        services.TryAddSingleton<Via>();
        services.TryAddSingleton<ProxyRequestRules>();
        services.Configure<KestrelServerOptions>(static options =>
        {
            // The 30 MB default is right for an application that buffers; here bodies stream. A route sets its own by MaxRequestBodySize.
            options.Limits.MaxRequestBodySize = null;

            // RFC 9112 §3.2.2: the authority of an absolute-form target replaces the Host that came with it. The default is 400.
            options.AllowHostHeaderOverride = true;

            // What it would otherwise not tell of the fields that frame a message.
            options.RequestHeaderEncodingSelector = FieldDecoding.Select;

            // Fields of responses leave as the bytes that they came as, too; by default what is not ASCII ends the response.
            options.ResponseHeaderEncodingSelector = static _ => Encoding.Latin1;

            // An origin that names no server stays unnamed.
            options.AddServerHeader = false;
        });
        return services;
    }

    /// <summary>Refuses or mends what HTTP demands of a proxy. Stands behind <c>UseProxyErrors</c>, before routing and before every policy.</summary>
    public static IApplicationBuilder UseRequestRules(this IApplicationBuilder app) => app.UseMiddleware<RequestRulesMiddleware>();
}
