using System.Runtime.CompilerServices;
using PyProxy.Gateway.Resilience;
using Yarp.ReverseProxy.Health;
using Yarp.ReverseProxy.Model;

namespace PyProxy.Gateway.Reverse.Clusters;

/// <summary>
/// A pipeline as one cluster has it: what it knows of the cluster's destinations, and which of them a try may go to. Whom it takes out it tells
/// YARP's health, so that load balancing, the admin API and the policy for a cluster that is all out see one and the same state.
/// </summary>
internal sealed class ClusterPipeline
{
    private readonly ConditionalWeakTable<DestinationState, DestinationRecord> _records = [];
    private readonly IDestinationHealthUpdater _health;
    private readonly ResilienceMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly OutlierEjection? _ejection;
    private readonly SlowStart? _slowStart;

    public ClusterPipeline(RequestPipeline pipeline, IDestinationHealthUpdater health, ResilienceMetrics metrics, TimeProvider time)
    {
        Pipeline = pipeline;
        _health = health;
        _metrics = metrics;
        _time = time;
        var options = pipeline.Options;
        _ejection = options.Ejection.IsOn ? new OutlierEjection(options.Ejection, this, health, metrics, time) : null;
        _slowStart = options.SlowStart > TimeSpan.Zero ? new SlowStart(options.SlowStart, this, time) : null;
    }

    public RequestPipeline Pipeline { get; }

    public DestinationRecord RecordOf(ClusterState cluster, DestinationState destination)
        => _records.TryGetValue(destination, out var known)
            ? known
            : _records.GetValue(destination, made => new DestinationRecord(CreateBreaker(cluster, made)));

    /// <summary>
    /// Those that a try may go to: not yet tried, no open breaker, grown-up enough for slow start. Where that leaves nobody, the rules are given up
    /// in this order: slow start and breaker, then having been tried, and last the one that has just failed.
    /// </summary>
    public IReadOnlyList<DestinationState> Choose(ClusterState cluster, IReadOnlyList<DestinationState> available, List<DestinationState>? tried)
    {
        _slowStart?.Observe(cluster);
        if (available.Count < 2 || (tried is null && Pipeline.Options.CircuitBreaker.FailureRate == 0 && _slowStart is not { IsRunning: true }))
        {
            return available;
        }

        var chosen = new List<DestinationState>(available.Count);
        for (var strictness = 2; strictness >= 0; strictness--)
        {
            for (var i = 0; i < available.Count; i++)
            {
                if (MayGoTo(cluster, available[i], tried, strictness))
                {
                    chosen.Add(available[i]);
                }
            }

            if (chosen.Count > 0)
            {
                return chosen;
            }
        }

        return available;
    }

    /// <summary>A try at a destination has ended, or at least its answer's head is there.</summary>
    public void Observe(ClusterState cluster, DestinationState destination, in TryOutcome outcome, TimeSpan duration)
    {
        if (_ejection is not null && outcome.Result is not (TryResult.Abandoned or TryResult.Rejected))
        {
            _ejection.Observe(cluster, RecordOf(cluster, destination), outcome.IsDestinationsFault, duration);
        }
    }

    private bool MayGoTo(ClusterState cluster, DestinationState destination, List<DestinationState>? tried, int strictness)
    {
        if (tried is not null && (strictness > 0 ? tried.Contains(destination) : tried[^1] == destination))
        {
            return false;
        }

        if (strictness < 2)
        {
            return true;
        }

        var record = RecordOf(cluster, destination);
        return !record.MustNotBeAsked(destination) && _slowStart?.TakesPart(record) != false;
    }

    private DestinationBreaker? CreateBreaker(ClusterState cluster, DestinationState destination) => Pipeline.CreateBreaker(
        destination.DestinationId,
        opened: duration =>
        {
            _metrics.Ejected(cluster.ClusterId, "breaker");
            _health.SetPassive(cluster, destination, DestinationHealth.Unhealthy, duration);
        },
        closed: () => _health.SetPassive(cluster, destination, DestinationHealth.Healthy, TimeSpan.Zero));
}
