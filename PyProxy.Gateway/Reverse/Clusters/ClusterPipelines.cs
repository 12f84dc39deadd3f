using System.Runtime.CompilerServices;
using PyProxy.Gateway.Resilience;
using Yarp.ReverseProxy.Configuration;
using Yarp.ReverseProxy.Health;

namespace PyProxy.Gateway.Reverse.Clusters;

/// <summary>Finds what a cluster's metadata asks for.</summary>
internal sealed class ClusterPipelines(
    RequestPipelines pipelines, IDestinationHealthUpdater health, ResilienceMetrics metrics, TimeProvider time)
{
    /// <summary>Key in a cluster's <c>Metadata</c> that names its pipeline.</summary>
    public const string MetadataKey = "Resilience";

    // What is known of destinations lives as long as the pipeline that learned it.
    private readonly ConditionalWeakTable<RequestPipeline, ClusterPipeline> _clusters = [];

    public ResilienceMetrics Metrics { get; } = metrics;

    public static string? NameOf(ClusterConfig cluster) => cluster.Metadata?.GetValueOrDefault(MetadataKey);

    /// <summary>The pipeline of a cluster; <see langword="null"/> where it names none.</summary>
    public ClusterPipeline? Find(ClusterConfig cluster)
    {
        if (cluster.Metadata is not { } metadata || !metadata.TryGetValue(MetadataKey, out var name))
        {
            return null;
        }

        if (pipelines.Find(name, cluster.ClusterId) is not { } pipeline)
        {
            return null;
        }

        return _clusters.TryGetValue(pipeline, out var known)
            ? known
            : _clusters.GetValue(pipeline, made => new ClusterPipeline(made, health, Metrics, time));
    }
}
