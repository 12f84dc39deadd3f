using Yarp.ReverseProxy.Configuration;

namespace PyProxy.Gateway.Reverse.Policies;

/// <summary>
/// Lets <c>TimeoutPolicy</c> of a route name a timeout of <c>Gateway:RoutePolicies:Timeouts</c>. The framework's own policies are fixed when
/// the program starts, and YARP validates the name against them: it becomes the route's <c>Timeout</c> before YARP looks.
/// </summary>
/// <param name="configuration">
/// The validated snapshot itself and not the options made from it: both follow a reload in no particular order, and YARP may be the first.
/// </param>
internal sealed class ConfiguredTimeouts(IConfiguration configuration) : IProxyConfigFilter
{
    private const string SectionPath = $"{RoutePoliciesOptions.SectionPath}:{nameof(RoutePoliciesOptions.Timeouts)}";

    public ValueTask<ClusterConfig> ConfigureClusterAsync(ClusterConfig cluster, CancellationToken cancel) => new(cluster);

    public ValueTask<RouteConfig> ConfigureRouteAsync(RouteConfig route, ClusterConfig? cluster, CancellationToken cancel)
    {
        // Where a route has both, YARP says that it may not.
        return route.TimeoutPolicy is { Length: > 0 } name && route.Timeout is null
            && configuration.GetValue<TimeSpan?>($"{SectionPath}:{name}") is { } timeout
                ? new(route with { TimeoutPolicy = null, Timeout = timeout })
                : new(route);
    }
}
