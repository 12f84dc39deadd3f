using System.Collections.Concurrent;

namespace PyProxy.Gateway.Limits;

/// <summary>A plan at run time, with the counts of everyone it applies to. A reload that leaves a plan as it was keeps the instance.</summary>
internal sealed class Plan(string name, Rate[] rates)
{
    // ~200 bytes each. Users are as many as are configured; addresses are what a stranger can have many of.
    private const int MaxSubjects = 1_000_000;

    private readonly ConcurrentDictionary<LimitSubject, TokenBuckets> _buckets = new();

    // ConcurrentDictionary.Count takes all its locks.
    private int _count;

    public string Name { get; } = name;

    public int SubjectCount => Volatile.Read(ref _count);

    public bool HasRates(Rate[] other) => rates.AsSpan().SequenceEqual(other);

    /// <returns>The rate that refused, or <see langword="null"/>.</returns>
    public Rate? Take(LimitSubject subject, TimeProvider time, out TimeSpan retryAfter)
    {
        while (true)
        {
            var now = time.GetTimestamp();
            if (BucketsOf(subject, now).TryTake(now, time, out var limit, out retryAfter))
            {
                return limit;
            }
        }
    }

    /// <summary>Drops the buckets that are full again.</summary>
    public void DropIdle(TimeProvider time)
    {
        var now = time.GetTimestamp();
        foreach (var entry in _buckets)
        {
            if (entry.Value.RetireIfFull(now, time) && _buckets.TryRemove(entry))
            {
                Interlocked.Decrement(ref _count);
            }
        }
    }

    private TokenBuckets BucketsOf(LimitSubject subject, long now)
    {
        if (_buckets.TryGetValue(subject, out var buckets))
        {
            return buckets;
        }

        if (subject.User is null && SubjectCount >= MaxSubjects)
        {
            // An address too many: all such share the permits of one, which bounds what they get as well as what they cost.
            subject = default;
        }

        var added = new TokenBuckets(rates, now);
        buckets = _buckets.GetOrAdd(subject, added);
        if (ReferenceEquals(buckets, added))
        {
            Interlocked.Increment(ref _count);
        }

        return buckets;
    }
}
