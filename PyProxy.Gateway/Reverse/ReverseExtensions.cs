using Microsoft.Extensions.DependencyInjection.Extensions;
using PyProxy.Gateway.Http;
using PyProxy.Gateway.Reverse.Clusters;
using PyProxy.Gateway.Reverse.Discovery;
using Yarp.ReverseProxy.Forwarder;
using ConfigurationSection = PyProxy.Gateway.Sections.ConfigurationSection;

namespace PyProxy.Gateway.Reverse;

internal static class ReverseExtensions
{
    /// <summary>The reverse proxy: YARP on its own section, held to the rules that HTTP has for proxies. Needs <c>AddEgress</c>.</summary>
    /// <param name="services">The gateway's services.</param>
    /// <param name="section">The validated <c>ReverseProxy</c> section; YARP follows its reloads.</param>
    /// <param name="policies">
    /// Registers what routes may name (authorization, timeout and CORS policies, configuration filters) with the services that a candidate
    /// is validated by. The gateway's own services have them from the features that own them.
    /// </param>
    public static IServiceCollection AddReverse(
        this IServiceCollection services, IConfiguration section, Action<IServiceCollection>? policies = null)
    {
        services.AddRequestRules();
        services.AddSingleton<ConfigurationSection>(new ReverseProxySection(policies));
        services.AddReverseProxy().LoadFromConfig(section).AddTransforms<ReverseTransforms>();
        services.AddDiscovery();
        services.AddClusterPolicies();
        services.AddSingleton<ClusterPipelines>();
        services.Replace(ServiceDescriptor.Singleton<IForwarderHttpClientFactory, ReverseHttpClientFactory>());
        return services;
    }

    /// <summary>YARP's routes.</summary>
    public static ReverseProxyConventionBuilder MapReverse(this IEndpointRouteBuilder endpoints)
        => endpoints.MapReverseProxy(static pipeline =>
        {
            pipeline.UseMiddleware<ExchangeRecorder>();
            pipeline.UseMiddleware<ClusterResilienceMiddleware>(); // what stands behind it is run once per try
            pipeline.UseSessionAffinity();
            pipeline.UseLoadBalancing();
            pipeline.UsePassiveHealthChecks();
            pipeline.UseMiddleware<DestinationSendMiddleware>();
        });
}
