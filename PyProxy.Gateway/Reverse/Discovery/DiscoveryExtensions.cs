using Microsoft.Extensions.DependencyInjection.Extensions;
using PyProxy.Gateway.Sections;
using Yarp.ReverseProxy.ServiceDiscovery;

namespace PyProxy.Gateway.Reverse.Discovery;

internal static class DiscoveryExtensions
{
    /// <summary>Destinations by name. Needs <c>AddEgress</c> for the resolver; stands behind <c>AddReverseProxy</c>, whose resolver it replaces.</summary>
    public static IServiceCollection AddDiscovery(this IServiceCollection services)
    {
        services.AddGatewaySection<DiscoveryOptions, DiscoveryOptionsValidator>(DiscoveryOptions.SectionPath);
        services.AddSingleton<DnsDestinations>();
        services.AddHostedService(static provider => provider.GetRequiredService<DnsDestinations>());
        services.Replace(ServiceDescriptor.Singleton<IDestinationResolver>(static provider => provider.GetRequiredService<DnsDestinations>()));
        return services;
    }
}
