using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using PyProxy.Gateway.Limits.Plans;
using PyProxy.Gateway.Limits.Quotas;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Limits.Bandwidth;

/// <summary>The buckets of everybody whose bandwidth a plan limits. Always of this gateway alone: asking elsewhere for every 64 KB would cost more than it limits.</summary>
internal sealed class BandwidthLimiter : IDisposable
{
    // ~600 bytes each. One per subject with traffic: a stranger who has many addresses may have that many, and shares one beyond.
    private const int MaxBuckets = 200_000;

    private static readonly TimeSpan IdleSweep = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<Key, BandwidthBucket> _buckets = new();
    private readonly PlanDirectory _plans;
    private readonly TimeProvider _time;
    private readonly LimitsMetrics _metrics;
    private readonly ITimer _sweep;
    private int _count;

    public BandwidthLimiter(PlanDirectory plans, TimeProvider time, LimitsMetrics metrics)
    {
        _plans = plans;
        _time = time;
        _metrics = metrics;
        _plans.Changed += OnPlansChanged;
        _sweep = time.CreateTimer(static state => ((BandwidthLimiter)state!).DropIdle(), this, IdleSweep, IdleSweep);
    }

    public int BucketCount => Volatile.Read(ref _count);

    /// <summary>Buckets that exchanges in progress have.</summary>
    public int UsedBuckets => _buckets.Values.Count(static bucket => bucket.IsUsed);

    /// <summary>What holds the bytes of a request back; <see langword="null"/> where none of its plans limits bandwidth. To be disposed at its end.</summary>
    /// <param name="attempt">Whose bytes they are, and under which plans.</param>
    /// <param name="meter">Knows the quotas that slow the user down at their end.</param>
    public ExchangeTransfers? Begin(LimitAttempt attempt, UsageMeter? meter)
    {
        var limited = meter is { HasBrakes: true };
        foreach (var plan in attempt.Plans)
        {
            limited |= plan.Down is not null || plan.Up is not null;
        }

        return limited
            ? new ExchangeTransfers(BucketsOf(attempt, meter, TransferDirection.Down), BucketsOf(attempt, meter, TransferDirection.Up), _metrics, _time)
            : null;
    }

    /// <summary>What limits one user's bytes at the moment, or everybody's; of this gateway.</summary>
    public IEnumerable<BandwidthUse> UseOf(string? user)
    {
        foreach (var ((subject, direction), bucket) in _buckets)
        {
            if ((user is null || subject.User == user) && bucket.Look() is { Limit: { } limit, Transfers: > 0 } state)
            {
                yield return new BandwidthUse(subject, direction, limit, state.Transfers, state.Waiting);
            }
        }
    }

    public void Dispose()
    {
        _plans.Changed -= OnPlansChanged;
        _sweep.Dispose();
        foreach (var bucket in _buckets.Values)
        {
            bucket.Dispose();
        }
    }

    private static ScopedBandwidth? LimitOf(Plan plan, TransferDirection direction) => direction == TransferDirection.Down ? plan.Down : plan.Up;

    private BandwidthBucket[] BucketsOf(LimitAttempt attempt, UsageMeter? meter, TransferDirection direction)
    {
        var buckets = new List<BandwidthBucket>(1);
        foreach (var plan in attempt.Plans)
        {
            if (LimitOf(plan, direction) is { } limit)
            {
                buckets.Add(BucketOf(attempt.Subject.KeyIn(limit.Scope), direction, limit.Limit));
            }
        }

        meter?.AddBrakes(buckets, direction);
        return [.. buckets];
    }

    private BandwidthBucket BucketOf(SubjectKey subject, TransferDirection direction, BandwidthLimit limit)
    {
        while (true)
        {
            var key = new Key(subject, direction);
            if (!_buckets.TryGetValue(key, out var bucket))
            {
                if (subject.IsUnbounded && BucketCount >= MaxBuckets)
                {
                    key = key with { Subject = SubjectKey.OverflowOf(subject.Scope) };
                }

                bucket = Add(key, limit);
            }

            if (bucket.TryUse(limit))
            {
                return bucket;
            }
        }
    }

    private BandwidthBucket Add(in Key key, BandwidthLimit limit)
    {
        var added = new BandwidthBucket(limit, _time);
        var bucket = _buckets.GetOrAdd(key, added);
        if (ReferenceEquals(bucket, added))
        {
            Interlocked.Increment(ref _count);
        }
        else
        {
            added.Dispose();
        }

        return bucket;
    }

    // Also for transfers that run for hours: they have the bucket, and the bucket gets the new limit.
    private void OnPlansChanged(object? sender, EventArgs e)
    {
        foreach (var (key, bucket) in _buckets)
        {
            var plan = _plans.Find(key.Subject.Scope.Plan);
            var limit = plan is null ? null : LimitOf(plan, key.Direction);
            bucket.Change(ReferenceEquals(limit?.Scope, key.Subject.Scope) ? limit!.Limit : null);
        }
    }

    private void DropIdle()
    {
        foreach (var entry in _buckets)
        {
            if (entry.Value.RetireIfIdle() && _buckets.TryRemove(entry))
            {
                entry.Value.Dispose();
                Interlocked.Decrement(ref _count);
            }
        }
    }

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Key(SubjectKey Subject, TransferDirection Direction);
}

/// <summary>How one subject's bandwidth is used in one direction.</summary>
/// <param name="Subject">Whose bytes are added up.</param>
/// <param name="Direction">Down or up.</param>
/// <param name="Limit">The limit.</param>
/// <param name="Transfers">Exchanges that run under it.</param>
/// <param name="Waiting">Those of them that wait for their turn at this moment.</param>
internal sealed record BandwidthUse(SubjectKey Subject, TransferDirection Direction, BandwidthLimit Limit, int Transfers, int Waiting);
