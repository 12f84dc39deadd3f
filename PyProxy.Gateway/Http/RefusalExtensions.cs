using Microsoft.Extensions.DependencyInjection.Extensions;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Http;

internal static class RefusalExtensions
{
    /// <summary>The answers of the gateway's own; needs a <see cref="Traffic.GatewayIdentity"/> among the services.</summary>
    public static IServiceCollection AddProxyErrors(this IServiceCollection services)
    {
        if (!services.Any(static service => service.ServiceType == typeof(RefusalPages)))
        {
            services.AddGatewaySection<RefusalPageOptions, RefusalPageOptionsValidator>(RefusalPageOptions.SectionPath);
            services.AddSingleton<RefusalPages>();
        }

        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<RefusalWriter>();
        return services;
    }

    public static IApplicationBuilder UseProxyErrors(this IApplicationBuilder app) => app.UseMiddleware<ProxyErrorsMiddleware>();
}
