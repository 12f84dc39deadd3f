using Yarp.ReverseProxy.Configuration;

namespace PyProxy.Gateway.Limits.Plans;

/// <summary>
/// Lets <c>RateLimiterPolicy</c> of a YARP route name one of our plans. YARP validates that name against policies which the framework copied
/// at start-up, so plans move into the route's metadata before YARP looks. So does <c>disable</c>: left to YARP it would take the route out of
/// the rate-limiting middleware altogether, and with it every user's plan; here it lifts the plan of the endpoint. <c>default</c> stays YARP's.
/// </summary>
/// <param name="configuration">
/// The validated snapshot itself and not the options made from it: both follow a reload in no particular order, and YARP may be the first.
/// </param>
internal sealed class RoutePlan(IConfiguration configuration) : IProxyConfigFilter
{
    /// <summary>What a route says that is to have none of its own and none of its endpoint's.</summary>
    public const string Disabled = "disable";

    private const string MetadataKey = "PyProxy.Gateway.Plan";

    /// <summary>The plan that a route names, or <see cref="Disabled"/>.</summary>
    public static string? Of(RouteConfig? route) => route?.Metadata?.GetValueOrDefault(MetadataKey);

    public ValueTask<ClusterConfig> ConfigureClusterAsync(ClusterConfig cluster, CancellationToken cancel) => new(cluster);

    public ValueTask<RouteConfig> ConfigureRouteAsync(RouteConfig route, ClusterConfig? cluster, CancellationToken cancel)
    {
        if (route.RateLimiterPolicy is not { Length: > 0 } name || !(name.Equals(Disabled, StringComparison.OrdinalIgnoreCase) || IsPlan(name)))
        {
            return new(route);
        }

        var metadata = route.Metadata is null
            ? new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
            : new Dictionary<string, string>(route.Metadata, StringComparer.OrdinalIgnoreCase);
        metadata[MetadataKey] = name;
        return new(route with { RateLimiterPolicy = null, Metadata = metadata });
    }

    private bool IsPlan(string name)
    {
        foreach (var plan in configuration.GetSection("Gateway:Plans").GetChildren())
        {
            if (string.Equals(plan.Key, name, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }
}
