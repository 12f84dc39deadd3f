using PyProxy.Gateway.Http.Tries;

namespace PyProxy.Gateway.Reverse.Clusters;

/// <summary>Puts a cluster's pipeline around YARP's own stages: where a cluster names none, the cost is a look into its metadata.</summary>
internal sealed class ClusterResilienceMiddleware(RequestDelegate next, ClusterPipelines pipelines, TimeProvider time)
{
    public Task InvokeAsync(HttpContext context)
        => pipelines.Find(context.GetReverseProxyFeature().Cluster.Config) is { } cluster
            ? new ClusterTries(context, cluster, pipelines.Metrics, time, next).RunAsync()
            : next(context);
}

/// <summary>The last stage before YARP's forwarder: the destination is chosen, its circuit breaker may be asked.</summary>
internal sealed class DestinationSendMiddleware(RequestDelegate next)
{
    public Task InvokeAsync(HttpContext context)
        => RequestTries.Of(context) is ClusterTries tries ? tries.SendAsync(next) : next(context);
}
