using Microsoft.Extensions.DependencyInjection.Extensions;
using PyProxy.Gateway.Egress.Names;
using PyProxy.Gateway.Egress.Profiles;
using PyProxy.Gateway.Egress.Upstreams;
using PyProxy.Gateway.Sections;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Egress;

internal static class EgressServiceCollectionExtensions
{
    /// <summary>Registers the dialer and what it stands on. Needs <c>AddResilience</c>; <see cref="IOwnListeners"/> comes from whoever listens.</summary>
    public static IServiceCollection AddEgress(this IServiceCollection services)
    {
        services.AddGatewaySection<EgressOptions, EgressOptionsValidator>(EgressOptions.SectionPath);
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(static _ => GatewayIdentity.Create());
        services.TryAddSingleton<IOwnListeners, NoOwnListeners>();
        services.TryAddSingleton<IConnector, SocketConnector>();
        services.TryAddSingleton<SystemResolver>();
        services.TryAddSingleton<IResolver>(static provider =>
        {
            var metrics = provider.GetRequiredService<EgressMetrics>();
            var resolver = new CachingResolver(
                provider.GetRequiredService<SystemResolver>(),
                () => NameCacheLimits.Of(provider.GetRequiredService<EgressRuntime>().Current.Dns),
                provider.GetRequiredService<TimeProvider>(),
                metrics,
                provider.GetRequiredService<ILogger<CachingResolver>>());
            metrics.ObserveNames(() => resolver.Count);
            return resolver;
        });
        services.AddSingleton<EgressRuntime>();
        services.AddSingleton<EgressMetrics>();
        services.AddSingleton<ProfileCompiler>();
        services.AddSingleton<EgressChooser>();
        services.AddSingleton<UpstreamMetrics>();
        services.AddSingleton<UpstreamDialer>();
        services.AddSingleton<UpstreamFailover>();
        services.AddSingleton<EgressTunnels>();
        services.AddHostedService<UpstreamChecks>();
        services.AddSingleton<Dialer>();
        services.AddSingleton<EgressHandlers>();
        return services;
    }
}
