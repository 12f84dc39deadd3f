using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Health;
using Yarp.ReverseProxy.Model;

namespace PyProxy.Gateway.Reverse.Clusters;

/// <summary>
/// YARP heeds passive health only where passive checks are on. A cluster whose pipeline takes destinations out gets them switched on, with a
/// policy that leaves the judging to the pipeline.
/// </summary>
/// <param name="configuration">The validated snapshot itself: options and YARP follow a reload in no particular order.</param>
internal sealed class ResilientClusters(IConfiguration configuration) : IProxyConfigFilter
{
    public ValueTask<ClusterConfig> ConfigureClusterAsync(ClusterConfig cluster, CancellationToken cancel)
    {
        if (ClusterPipelines.NameOf(cluster) is not { Length: > 0 } name || cluster.HealthCheck?.Passive is { Enabled: true } || !Judges(name))
        {
            return new(cluster);
        }

        var health = cluster.HealthCheck ?? new HealthCheckConfig();
        var passive = (health.Passive ?? new PassiveHealthCheckConfig()) with { Enabled = true, Policy = PipelineHealthPolicy.PolicyName };
        return new(cluster with { HealthCheck = health with { Passive = passive } });
    }

    public ValueTask<RouteConfig> ConfigureRouteAsync(RouteConfig route, ClusterConfig? cluster, CancellationToken cancel) => new(route);

    private bool Judges(string pipeline)
        => configuration.GetSection($"{Resilience.ResilienceOptions.SectionPath}:Pipelines:{pipeline}").Get<Resilience.PipelineOptions>()
            is { JudgesDestinations: true };
}

/// <summary>The passive health policy of a cluster that is judged by its pipeline.</summary>
internal sealed class PipelineHealthPolicy : IPassiveHealthCheckPolicy
{
    public const string PolicyName = "Pipeline";

    public string Name => PolicyName;

    public void RequestProxied(HttpContext context, ClusterState cluster, DestinationState destination)
    {
        // The pipeline judges by tries, not by requests, and has done so by now.
    }
}
