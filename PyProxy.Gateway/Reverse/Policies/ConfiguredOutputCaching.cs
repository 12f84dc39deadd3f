using System.Collections.Frozen;
using Microsoft.Extensions.Options;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Model;

namespace PyProxy.Gateway.Reverse.Policies;

/// <summary>
/// Lets <c>OutputCachePolicy</c> of a route name a policy of <c>Gateway:RoutePolicies:OutputCache</c>. The framework's own policies are fixed when the
/// program starts, and YARP validates the name against them: it moves into the route's metadata before YARP looks, and from there to its endpoint.
/// </summary>
/// <param name="configuration">
/// The validated snapshot itself, for what YARP asks while it follows a reload: the options made from it follow in no particular order, and YARP may be
/// the first.
/// </param>
/// <param name="options">For requests, which are not to read a configuration each.</param>
internal sealed class ConfiguredOutputCaching(IConfiguration configuration, IOptionsMonitor<RoutePoliciesOptions> options) : IProxyConfigFilter
{
    private const string SectionPath = $"{RoutePoliciesOptions.SectionPath}:{nameof(RoutePoliciesOptions.OutputCache)}";
    private const string MetadataKey = "PyProxy.OutputCachePolicy";

    public ValueTask<ClusterConfig> ConfigureClusterAsync(ClusterConfig cluster, CancellationToken cancel) => new(cluster);

    public ValueTask<RouteConfig> ConfigureRouteAsync(RouteConfig route, ClusterConfig? cluster, CancellationToken cancel)
    {
        if (route.OutputCachePolicy is not { Length: > 0 } name || !IsConfigured(name))
        {
            return new(route);
        }

        var metadata = new Dictionary<string, string>(route.Metadata ?? FrozenDictionary<string, string>.Empty, StringComparer.OrdinalIgnoreCase) { [MetadataKey] = name };
        return new(route with { OutputCachePolicy = null, Metadata = metadata });
    }

    /// <summary>Gives a route's endpoint the policy that its route names.</summary>
    public void Apply(EndpointBuilder endpoint)
    {
        if (endpoint.Metadata.OfType<RouteModel>().FirstOrDefault()?.Config is { Metadata: { } metadata } route && metadata.TryGetValue(MetadataKey, out var name))
        {
            endpoint.Metadata.Add(new RouteOutputCache(route.RouteId, () => options.CurrentValue.OutputCache.GetValueOrDefault(name)));
        }
    }

    private bool IsConfigured(string name)
        => configuration.GetSection($"{SectionPath}:{name}").Get<OutputCachePolicyOptions>() is { } policy && policy.Duration > TimeSpan.Zero;
}
