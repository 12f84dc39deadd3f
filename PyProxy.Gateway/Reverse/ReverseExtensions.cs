using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.Extensions.DependencyInjection.Extensions;
using PyProxy.Gateway.Http;
using PyProxy.Gateway.Reverse.Clusters;
using PyProxy.Gateway.Reverse.Discovery;
using PyProxy.Gateway.Reverse.Policies;
using PyProxy.Gateway.Sections;
using Yarp.ReverseProxy.Configuration;
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
        services.AddGatewaySection<RoutePoliciesOptions, RoutePoliciesOptionsValidator>(RoutePoliciesOptions.SectionPath);
        services.AddReverseProxy().LoadFromConfig(section).AddTransforms<ReverseTransforms>().AddTransforms<ClusterEgress>();
        services.AddDiscovery();
        services.AddClusterPolicies();
        services.AddSingleton<ClusterPipelines>();
        services.Replace(ServiceDescriptor.Singleton<IForwarderHttpClientFactory, ReverseHttpClientFactory>());
        return services;
    }

    /// <summary>What it takes for routes to name timeouts, CORS and output cache policies of the configuration; a candidate's routes are judged with it too.</summary>
    public static IServiceCollection AddRoutePolicies(this IServiceCollection services)
    {
        services.AddRequestTimeouts();
        services.AddCors();
        services.AddOutputCache();
        services.AddSingleton<IProxyConfigFilter, ConfiguredTimeouts>();
        services.AddSingleton<ConfiguredOutputCaching>();
        services.AddSingleton<IProxyConfigFilter>(static provider => provider.GetRequiredService<ConfiguredOutputCaching>());
        services.AddSingleton<ICorsPolicyProvider, ConfiguredCorsPolicies>();
        return services;
    }

    /// <summary>YARP's routes.</summary>
    public static ReverseProxyConventionBuilder MapReverse(this IEndpointRouteBuilder endpoints)
    {
        var routes = endpoints.MapReverseProxy(static pipeline =>
        {
            pipeline.UseMiddleware<ExchangeRecorder>();
            pipeline.UseMiddleware<ClusterResilienceMiddleware>(); // what stands behind it is run once per try
            pipeline.UseSessionAffinity();
            pipeline.UseLoadBalancing();
            pipeline.UsePassiveHealthChecks();
            pipeline.UseMiddleware<DestinationSendMiddleware>();
        });
        if (endpoints.ServiceProvider.GetService<ConfiguredOutputCaching>() is { } outputCaching)
        {
            routes.Add(outputCaching.Apply);
        }

        return routes;
    }
}
