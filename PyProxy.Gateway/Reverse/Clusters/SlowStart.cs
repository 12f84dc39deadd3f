using Yarp.ReverseProxy.Model;

namespace PyProxy.Gateway.Reverse.Clusters;

/// <summary>
/// Gives a destination that returns less than its share for a while: it takes part in only some of the choices, more and more of them. That works
/// before any load-balancing policy, which then chooses among those that take part.
/// </summary>
internal sealed class SlowStart(TimeSpan duration, ClusterPipeline pipeline, TimeProvider time)
{
    // From the beginning enough that its caches are filled and its failures seen.
    private const double FirstShare = 0.05;

    private readonly Lock _lock = new();
    private volatile ClusterDestinationsState? _seen;
    private long _runsUntil;

    /// <summary>Whether some destination may be in its slow start.</summary>
    public bool IsRunning => time.GetTimestamp() < Volatile.Read(ref _runsUntil);

    /// <summary>Notices who has returned, or is new, since the last time.</summary>
    public void Observe(ClusterState cluster)
    {
        var now = cluster.DestinationsState;
        if (now == _seen)
        {
            return;
        }

        lock (_lock)
        {
            if (_seen is { } before)
            {
                NoticeReturned(cluster, before, now);
            }

            _seen = now; // of the first state nobody knows how long it has been so
        }
    }

    public bool TakesPart(DestinationRecord record)
    {
        if (record.ReturnedAt == 0)
        {
            return true;
        }

        var progress = time.GetElapsedTime(record.ReturnedAt) / duration;
#pragma warning disable CA5394 // A share of requests is no secret.
        return progress >= 1 || Random.Shared.NextDouble() < Math.Max(FirstShare, progress);
#pragma warning restore CA5394
    }

    private void NoticeReturned(ClusterState cluster, ClusterDestinationsState before, ClusterDestinationsState now)
    {
        var timestamp = time.GetTimestamp();
        foreach (var destination in now.AvailableDestinations)
        {
            if (!before.AvailableDestinations.Contains(destination))
            {
                pipeline.RecordOf(cluster, destination).ReturnedAt = timestamp;
                Volatile.Write(ref _runsUntil, timestamp + (long)(duration.TotalSeconds * time.TimestampFrequency));
            }
        }
    }
}
