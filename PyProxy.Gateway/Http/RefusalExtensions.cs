using Microsoft.Extensions.DependencyInjection.Extensions;

namespace PyProxy.Gateway.Http;

internal static class RefusalExtensions
{
    /// <summary>The answers of the gateway's own; needs a <see cref="Traffic.GatewayIdentity"/> among the services.</summary>
    public static IServiceCollection AddProxyErrors(this IServiceCollection services)
    {
        services.TryAddSingleton<RefusalWriter>();
        return services;
    }

    public static IApplicationBuilder UseProxyErrors(this IApplicationBuilder app) => app.UseMiddleware<ProxyErrorsMiddleware>();
}
