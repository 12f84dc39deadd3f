using Microsoft.Extensions.DependencyInjection.Extensions;
using PyProxy.Gateway.Http;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Forward;

internal static class ForwardExtensions
{
    /// <summary>The forward proxy: requests in absolute form, and tunnels. Needs <c>AddEgress</c> and an <see cref="Traffic.IDrainSignal"/>.</summary>
    public static IServiceCollection AddForward(this IServiceCollection services)
    {
        services.AddGatewaySection<TunnelOptions, TunnelOptionsValidator>(TunnelOptions.SectionPath);
        services.AddGatewaySection<ForwardOptions, ForwardOptionsValidator>(ForwardOptions.SectionPath);
        services.AddRequestRules();
        services.AddHttpForwarder();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<ForwardTransformer>();
        services.AddSingleton<AbsoluteFormHandler>();
        services.AddSingleton<TunnelRelay>();
        services.AddSingleton<ConnectHandler>();
        services.AddSingleton<ForwardEndpoint>();
        return services;
    }

    /// <summary>Chooses the forward endpoint on forward and SOCKS listeners. Stands before <c>UseRouting</c>.</summary>
    public static IApplicationBuilder UseForwardEndpoint(this IApplicationBuilder app) => app.UseMiddleware<ForwardEndpointMiddleware>();
}
