using Polly;
using PyProxy.Gateway.Http.Tries;
using PyProxy.Gateway.Resilience;
using PyProxy.Gateway.Traffic;
using Yarp.ReverseProxy.Model;

namespace PyProxy.Gateway.Reverse.Clusters;

/// <summary>
/// Tries of a request to a cluster. Each runs YARP's stages behind it anew (affinity, load balancing, health, forwarding) over destinations that
/// were not tried yet.
/// </summary>
internal sealed class ClusterTries(HttpContext context, ClusterPipeline cluster, ResilienceMetrics metrics, TimeProvider time, RequestDelegate next)
    : RequestTries(context, cluster.Pipeline, metrics)
{
    private readonly IReverseProxyFeature _proxy = context.GetReverseProxyFeature();
    private readonly ClusterState _cluster = context.GetRouteModel().Cluster!;
    private List<DestinationState>? _tried;
    private long _sent;

    protected override async Task StepAsync()
    {
        _sent = 0;
        _proxy.ProxiedDestination = null;
        _proxy.AvailableDestinations = cluster.Choose(_cluster, _cluster.DestinationsState.AvailableDestinations, _tried);
        await next(Context);
    }

    /// <summary>The last stage of a try, when the destination is chosen: past its circuit breaker to YARP's forwarder.</summary>
    public Task SendAsync(RequestDelegate forwarder)
    {
        _sent = time.GetTimestamp();
        if (_proxy.AvailableDestinations is not [var destination])
        {
            return ForwardAsync(() => forwarder(Context));
        }

        (_tried ??= []).Add(destination);
        var record = cluster.RecordOf(_cluster, destination);
        return record.Breaker is { } breaker && destination.Health.Passive != DestinationHealth.Unhealthy
            ? SendThroughAsync(breaker, destination, forwarder)
            : ForwardAsync(() => forwarder(Context));
    }

    // Another destination may well do what this one cannot, its name and its certificate included.
    protected override bool IsWorthAnotherTry(ProxyError error) => true;

    protected override void OnSettled(in TryOutcome outcome)
    {
        if (_sent != 0 && _proxy.ProxiedDestination is { } destination)
        {
            cluster.Observe(_cluster, destination, outcome, time.GetElapsedTime(_sent));
        }
    }

    private async Task SendThroughAsync(DestinationBreaker breaker, DestinationState destination, RequestDelegate forwarder)
    {
        var sending = Task.CompletedTask;
        var resilience = ResilienceContextPool.Shared.Get(continueOnCapturedContext: false, CancellationToken.None);
        var outcome = await breaker.ExecuteAsync(
            static async (_, send) =>
            {
                send.Start();
                return Polly.Outcome.FromResult(await send.Outcome);
            },
            resilience,
            new Send(this, forwarder, task => sending = task));
        ResilienceContextPool.Shared.Return(resilience);
        await sending;
        if (outcome.Exception is not null)
        {
            _proxy.ProxiedDestination = destination; // so that the record says whom it was about
            Reject();
        }
    }

    private readonly struct Send(ClusterTries tries, RequestDelegate forwarder, Action<Task> started)
    {
        public Task<TryOutcome> Outcome => tries.Outcome;

        public void Start()
        {
            var (self, next) = (tries, forwarder);
            started(self.ForwardAsync(() => next(self.Context)));
        }
    }
}
