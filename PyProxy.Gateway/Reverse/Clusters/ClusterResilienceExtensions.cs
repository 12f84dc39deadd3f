using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Health;

namespace PyProxy.Gateway.Reverse.Clusters;

internal static class ClusterResilienceExtensions
{
    /// <summary>What clusters may name; all that validating a candidate's clusters needs.</summary>
    public static IServiceCollection AddClusterPolicies(this IServiceCollection services)
    {
        services.AddSingleton<IProxyConfigFilter, ResilientClusters>();
        services.AddSingleton<IPassiveHealthCheckPolicy, PipelineHealthPolicy>();
        services.AddSingleton<IAvailableDestinationsPolicy, PanicThresholdPolicy>();
        return services;
    }
}
