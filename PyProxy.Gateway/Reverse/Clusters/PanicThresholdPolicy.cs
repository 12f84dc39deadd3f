using System.Globalization;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Health;
using Yarp.ReverseProxy.Model;

namespace PyProxy.Gateway.Reverse.Clusters;

/// <summary>
/// The healthy destinations as long as they are enough of the cluster; otherwise all of them. When most of a cluster is out, the few that are left
/// would get a load that takes them out too, and the checks themselves are the likelier culprit.
/// </summary>
internal sealed class PanicThresholdPolicy : IAvailableDestinationsPolicy
{
    /// <summary>Key in a cluster's <c>Metadata</c>: the share of healthy destinations below which all are used.</summary>
    public const string MetadataKey = "PanicThreshold";

    private const double DefaultThreshold = 0.5;

    public string Name => "PanicThreshold";

    public IReadOnlyList<DestinationState> GetAvailalableDestinations(ClusterConfig config, IReadOnlyList<DestinationState> allDestinations)
    {
        var isActive = config.HealthCheck?.Active?.Enabled == true;
        var isPassive = config.HealthCheck?.Passive?.Enabled == true;
        var healthy = new List<DestinationState>(allDestinations.Count);
        foreach (var destination in allDestinations)
        {
            if (!(isActive && destination.Health.Active == DestinationHealth.Unhealthy)
                && !(isPassive && destination.Health.Passive == DestinationHealth.Unhealthy))
            {
                healthy.Add(destination);
            }
        }

        return healthy.Count < ThresholdOf(config) * allDestinations.Count ? allDestinations : healthy;
    }

    /// <summary>Reads the threshold of a cluster's metadata.</summary>
    public static bool TryParse(string text, out double threshold)
        => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out threshold) && threshold is >= 0 and <= 1;

    private static double ThresholdOf(ClusterConfig config)
        => config.Metadata?.TryGetValue(MetadataKey, out var text) == true && TryParse(text, out var threshold) ? threshold : DefaultThreshold;
}
