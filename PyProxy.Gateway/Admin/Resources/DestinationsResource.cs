using Microsoft.AspNetCore.Mvc;
using PyProxy.Gateway.Admin.Api;
using Yarp.ReverseProxy;
using Yarp.ReverseProxy.Model;

namespace PyProxy.Gateway.Admin.Resources;

/// <summary>Clusters of the reverse proxy, and how their destinations are.</summary>
internal static class DestinationsResource
{
    public static void Map(IEndpointRouteBuilder api)
        => api.MapGet("/clusters", static ([FromServices] IProxyStateLookup proxy) => proxy.GetClusters().Select(Describe).OrderBy(c => c.Id, StringComparer.Ordinal).ToList())
            .WithTags("Destinations")
            .WithSummary("Clusters with their destinations: health, and requests under way.");

    private static Cluster Describe(ClusterState cluster)
    {
        var available = cluster.DestinationsState.AvailableDestinations;
        return new Cluster(
            cluster.ClusterId,
            cluster.Model.Config.LoadBalancingPolicy ?? "PowerOfTwoChoices",
            cluster.Destinations.Values.Sum(static destination => destination.ConcurrentRequestCount),
            [
                .. cluster.Destinations.Values.OrderBy(d => d.DestinationId, StringComparer.Ordinal).Select(destination => new Destination(
                    destination.DestinationId,
                    SecretRedaction.Text(destination.Model.Config.Address),
                    available.Contains(destination),
                    destination.Health.Active,
                    destination.Health.Passive,
                    destination.ConcurrentRequestCount)),
            ]);
    }

    internal sealed record Cluster(string Id, string LoadBalancingPolicy, int RequestsUnderWay, IReadOnlyList<Destination> Destinations);

    /// <param name="Id">Its name in the configuration.</param>
    /// <param name="Address">Its URL, without credentials.</param>
    /// <param name="Available">Whether requests go there.</param>
    /// <param name="Active">What probes say.</param>
    /// <param name="Passive">What traffic says.</param>
    /// <param name="RequestsUnderWay">Now.</param>
    internal sealed record Destination(
        string Id, string Address, bool Available, DestinationHealth Active, DestinationHealth Passive, int RequestsUnderWay);
}
