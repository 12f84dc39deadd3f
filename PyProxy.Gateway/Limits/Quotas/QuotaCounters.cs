using System.Collections.Concurrent;
using PyProxy.Gateway.Limits.Plans;

namespace PyProxy.Gateway.Limits.Quotas;

/// <summary>The counters of everybody's quotas, as long as somebody uses them and a minute longer.</summary>
internal sealed class QuotaCounters
{
    /// <summary>The share of an amount from which on a user is near its end.</summary>
    public const double NearShare = 0.8;

    private static readonly TimeSpan IdleTime = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<Key, QuotaCounter> _counters = new();
    private readonly TimeProvider _time;

    public QuotaCounters(TimeProvider time, QuotaMetrics metrics)
    {
        _time = time;
        metrics.Observe(() => Current);
    }

    public int Count => _counters.Count;

    /// <summary>Those of periods that are not over.</summary>
    public IEnumerable<QuotaCounter> Current
    {
        get
        {
            var now = _time.GetUtcNow();
            foreach (var (_, counter) in _counters)
            {
                if (now < counter.Period.End)
                {
                    yield return counter;
                }
            }
        }
    }

    public IEnumerable<QuotaCounter> All => _counters.Values;

    /// <summary>The counter of a quota in the period that is now, to be given back by <see cref="Release"/>.</summary>
    public QuotaCounter Use(string user, QuotaLimit quota)
    {
        var key = new Key(user, quota.CounterName);
        while (true)
        {
            var now = _time.GetUtcNow();
            if (_counters.TryGetValue(key, out var counter) && now < counter.Period.End && IsSamePeriod(counter.Quota, quota))
            {
                if (counter.TryUse())
                {
                    counter.Quota = quota;
                    return counter;
                }

                _counters.TryRemove(KeyValuePair.Create(key, counter)); // it was forgotten at this moment
                continue;
            }

            var next = new QuotaCounter(user, quota, QuotaPeriodRange.At(quota, now), counter);
            next.TryUse();
            if (counter is null ? _counters.TryAdd(key, next) : _counters.TryUpdate(key, next, counter))
            {
                return next;
            }
        }
    }

    /// <summary>The same quota's counter, or that of the next period where this one is over.</summary>
    public QuotaCounter Renew(QuotaCounter counter)
    {
        if (_time.GetUtcNow() < counter.Period.End)
        {
            return counter;
        }

        var next = Use(counter.User, counter.Quota);
        Release(counter);
        return next;
    }

    public void Release(QuotaCounter counter) => counter.Release(_time.GetUtcNow().Ticks);

    /// <summary>Slows down or lets go, and forgets who has not been there for a while.</summary>
    /// <param name="areWritten">Whether what is forgotten here can be learnt again from the database.</param>
    public void Settle(bool areWritten)
    {
        var now = _time.GetUtcNow();
        var idleSince = (now - IdleTime).Ticks;
        foreach (var entry in _counters)
        {
            entry.Value.Brake();
            if ((areWritten || now > entry.Value.Period.End) && entry.Value.RetireIfIdle(idleSince, isOver: now > entry.Value.Period.End))
            {
                _counters.TryRemove(entry);
            }
        }
    }

    private static bool IsSamePeriod(QuotaLimit one, QuotaLimit other)
        => ReferenceEquals(one, other) || (one.Period == other.Period && one.StartDay == other.StartDay && one.TimeZone.Equals(other.TimeZone));

    private readonly record struct Key(string User, string Counter);
}
