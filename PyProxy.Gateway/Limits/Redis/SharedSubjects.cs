using System.Collections.Concurrent;
using PyProxy.Gateway.Limits.Plans;

namespace PyProxy.Gateway.Limits.Redis;

/// <summary>The subjects that this gateway knows something of at the moment.</summary>
internal sealed class SharedSubjects(string prefix)
{
    // ~600 bytes each. Users are as many as are configured; addresses and hosts are what a stranger can have many of.
    private const int Most = 1_000_000;

    private readonly ConcurrentDictionary<SubjectKey, SharedSubject> _subjects = new();
    private int _count;

    public SharedSubject Of(LimitGroup group, LimitAttempt attempt)
    {
        var key = attempt.Subject.KeyIn(group.Scope);
        if (_subjects.TryGetValue(key, out var subject))
        {
            return subject;
        }

        if (key.IsUnbounded && Volatile.Read(ref _count) >= Most)
        {
            // One too many: all such share the permits of one, which bounds what they get as well as what they cost.
            key = SubjectKey.OverflowOf(group.Scope);
        }

        var added = new SharedSubject(key, group, prefix);
        subject = _subjects.GetOrAdd(key, added);
        if (ReferenceEquals(subject, added))
        {
            Interlocked.Increment(ref _count);
        }

        return subject;
    }

    /// <summary>Forgets what is known of a user's rates: their counts in Redis were set by hand.</summary>
    public void Forget(string user)
    {
        foreach (var (key, subject) in _subjects)
        {
            if (key.User == user)
            {
                subject.Forget();
            }
        }
    }

    /// <summary>Gives back what is held in reserve, says of whom Redis is to be told, and drops what is idle.</summary>
    public void Sweep(long now, Action<SharedSubject> tell)
    {
        foreach (var entry in _subjects)
        {
            if (entry.Value.Tidy(now))
            {
                tell(entry.Value);
            }

            if (entry.Value.RetireIfIdle(now) && _subjects.TryRemove(entry))
            {
                Interlocked.Decrement(ref _count);
            }
        }
    }
}
