using Microsoft.Extensions.DependencyInjection.Extensions;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Egress;

internal static class EgressServiceCollectionExtensions
{
    /// <summary>Registers the dialer and what it stands on. Needs <c>AddResilience</c>; <see cref="IOwnListeners"/> comes from whoever listens.</summary>
    public static IServiceCollection AddEgress(this IServiceCollection services)
    {
        services.AddGatewaySection<EgressOptions, EgressOptionsValidator>(EgressOptions.SectionPath);
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<IOwnListeners, NoOwnListeners>();
        services.TryAddSingleton<IConnector, SocketConnector>();
        services.TryAddSingleton<SystemResolver>();
        services.TryAddSingleton<IResolver>(static provider =>
        {
            var metrics = provider.GetRequiredService<EgressMetrics>();
            var resolver = new CachingResolver(
                provider.GetRequiredService<SystemResolver>(),
                provider.GetRequiredService<EgressRuntime>(),
                provider.GetRequiredService<TimeProvider>(),
                metrics,
                provider.GetRequiredService<ILogger<CachingResolver>>());
            metrics.ObserveNames(() => resolver.Count);
            return resolver;
        });
        services.AddSingleton<EgressRuntime>();
        services.AddSingleton<EgressMetrics>();
        services.AddSingleton<Dialer>();
        services.AddSingleton<EgressHandlers>();
        return services;
    }
}
