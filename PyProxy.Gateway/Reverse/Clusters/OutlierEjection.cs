using PyProxy.Gateway.Resilience;
using Yarp.ReverseProxy.Health;
using Yarp.ReverseProxy.Model;

namespace PyProxy.Gateway.Reverse.Clusters;

/// <summary>
/// Ejects destinations that fail, or are slow against the others, judged all together once per window by whoever's try ends then. Never more
/// than a share of the cluster: if all do badly, the cause is not in the destinations.
/// </summary>
internal sealed class OutlierEjection(
    EjectionOptions options, ClusterPipeline pipeline, IDestinationHealthUpdater health, ResilienceMetrics metrics, TimeProvider time)
{
    private readonly Lock _judging = new();
    private long _windowStarted = time.GetTimestamp();

    public void Observe(ClusterState cluster, DestinationRecord record, bool isFailure, TimeSpan duration)
    {
        record.Add(isFailure, duration);
        if (time.GetElapsedTime(Volatile.Read(ref _windowStarted)) >= options.Window && _judging.TryEnter())
        {
            try
            {
                if (time.GetElapsedTime(_windowStarted) >= options.Window)
                {
                    Judge(cluster);
                    Volatile.Write(ref _windowStarted, time.GetTimestamp());
                }
            }
            finally
            {
                _judging.Exit();
            }
        }
    }

    private void Judge(ClusterState cluster)
    {
        var all = cluster.DestinationsState.AllDestinations;
        var candidates = new List<Candidate>(all.Count);
        var @out = 0;
        for (var i = 0; i < all.Count; i++)
        {
            var record = pipeline.RecordOf(cluster, all[i]);
            var window = record.Take();
            if (all[i].Health is { Passive: DestinationHealth.Unhealthy } or { Active: DestinationHealth.Unhealthy })
            {
                @out++;
            }
            else if (window.Tries >= options.MinimumRequests)
            {
                candidates.Add(new Candidate(all[i], record, window));
            }
        }

        // The worst first: they are the ones that the bound leaves room for.
        candidates.Sort(static (a, b) => b.FailureRate.CompareTo(a.FailureRate) is not 0 and var order
            ? order
            : Nullable.Compare(b.Window.Latency, a.Window.Latency));
        var room = (int)(options.MaxEjected * all.Count) - @out;
        foreach (var candidate in candidates)
        {
            if (ReasonToEject(candidate, candidates) is not { } reason)
            {
                candidate.Record.Ejections = Math.Max(0, candidate.Record.Ejections - 1);
            }
            else if (room-- > 0)
            {
                var duration = options.Duration * ++candidate.Record.Ejections;
                metrics.Ejected(cluster.ClusterId, reason);
                health.SetPassive(
                    cluster, candidate.Destination, DestinationHealth.Unhealthy, duration < options.MaxDuration ? duration : options.MaxDuration);
            }
        }
    }

    private string? ReasonToEject(Candidate candidate, List<Candidate> all)
    {
        if (options.FailureRate > 0 && candidate.FailureRate >= options.FailureRate)
        {
            return "failures";
        }

        return options.LatencyFactor > 0
            && candidate.Window.Latency is { } latency && latency > options.LatencyFloor
            && MedianOfOthers(candidate, all) is { } median && latency > median * options.LatencyFactor
            ? "latency"
            : null;
    }

    // Of the others: in a cluster of two, a median over both would have the slow one in it.
    private static TimeSpan? MedianOfOthers(Candidate candidate, List<Candidate> all)
    {
        var others = new List<TimeSpan>(all.Count);
        foreach (var other in all)
        {
            if (other.Destination != candidate.Destination && other.Window.Latency is { } latency)
            {
                others.Add(latency);
            }
        }

        others.Sort();
        return others.Count > 0 ? others[(others.Count - 1) / 2] : null;
    }

    private readonly record struct Candidate(DestinationState Destination, DestinationRecord Record, DestinationRecord.Window Window)
    {
        public double FailureRate => (double)Window.Failures / Window.Tries;
    }
}
