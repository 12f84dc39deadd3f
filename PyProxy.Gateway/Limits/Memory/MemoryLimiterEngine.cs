using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using PyProxy.Gateway.Limits.Plans;

namespace PyProxy.Gateway.Limits.Memory;

/// <summary>Counts in this process. Decides without waiting and, once a subject is known, without allocating.</summary>
internal sealed class MemoryLimiterEngine : ILimiterEngine, IDisposable
{
    // ~300 bytes each. Users are as many as are configured; addresses and hosts are what a stranger can have many of.
    private const int MaxSubjects = 1_000_000;

    private static readonly TimeSpan IdleSweep = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<SubjectKey, SubjectState> _subjects = new();
    private readonly TimeProvider _time;
    private readonly long _startTimestamp;
    private readonly long _startTicks;
    private readonly ITimer _sweep;

    // ConcurrentDictionary.Count takes all its locks.
    private int _count;

    public MemoryLimiterEngine(TimeProvider time)
    {
        _time = time;
        _startTimestamp = time.GetTimestamp();
        _startTicks = time.GetUtcNow().Ticks;
        _sweep = time.CreateTimer(static state => ((MemoryLimiterEngine)state!).DropIdle(), this, IdleSweep, IdleSweep);
    }

    /// <summary>How many subjects have counts at the moment.</summary>
    public int SubjectCount => Volatile.Read(ref _count);

    // UTC as it was at the start, plus time that has passed: windows keep their place in the hour, and a clock that is set back frees nobody.
    private long Now => _startTicks + _time.GetElapsedTime(_startTimestamp).Ticks;

    public ValueTask<LimitDecision> AcquireAsync(LimitAttempt attempt, CancellationToken cancellationToken) => new(Acquire(attempt));

    public LimitDecision Acquire(LimitAttempt attempt)
    {
        var now = Now;
        var decision = LimitDecision.Allowed;
        var holds = default(Holds);
        var held = 0;
        foreach (var plan in attempt.Plans)
        {
            foreach (var group in plan.Groups)
            {
                var state = Take(group, attempt, now, out var said, out var isHeld);
                decision = LimitDecision.Combine(decision, said);
                if (isHeld)
                {
                    holds[held++] = state;
                }
            }
        }

        if (held == 0)
        {
            return decision;
        }

        if (decision.IsAllowed)
        {
            Keep(attempt, ((ReadOnlySpan<SubjectState>)holds)[..held]);
        }
        else
        {
            foreach (var state in ((ReadOnlySpan<SubjectState>)holds)[..held])
            {
                state.Release(attempt.IsTunnel);
            }
        }

        return decision;
    }

    public void Release(LimitAttempt attempt)
    {
        if (attempt.EngineState is SubjectState one)
        {
            one.Release(attempt.IsTunnel);
        }
        else if (attempt.EngineState is SubjectState[] several)
        {
            foreach (var state in several)
            {
                state.Release(attempt.IsTunnel);
            }
        }

        attempt.EngineState = null;
        attempt.HoldsPermits = false;
    }

    /// <summary>How much of a group's limits one subject uses.</summary>
    public SubjectUse UseOf(in SubjectKey key, LimitGroup group) => new(key, (_subjects.GetValueOrDefault(key) ?? new SubjectState(group)).Look(Now));

    /// <summary>What one user uses, or everybody.</summary>
    public IEnumerable<SubjectUse> UseOf(string? user)
    {
        var now = Now;
        foreach (var (key, state) in _subjects)
        {
            if (user is null || key.User == user)
            {
                yield return new SubjectUse(key, state.Look(now));
            }
        }
    }

    /// <summary>Gives back all permits of a user's rates.</summary>
    public void Reset(string user)
    {
        foreach (var (key, state) in _subjects)
        {
            if (key.User == user)
            {
                state.Reset();
            }
        }
    }

    public void Dispose() => _sweep.Dispose();

    // Two plans that both limit concurrency are rare enough for an array.
    private static void Keep(LimitAttempt attempt, ReadOnlySpan<SubjectState> holds)
    {
        attempt.EngineState = holds.Length == 1 ? holds[0] : holds.ToArray();
        attempt.HoldsPermits = true;
    }

    private SubjectState Take(LimitGroup group, LimitAttempt attempt, long now, out LimitDecision decision, out bool isHeld)
    {
        var key = attempt.Subject.KeyIn(group.Scope);
        while (true)
        {
            var state = StateOf(key, group);
            if (state.TryTake(group, attempt, now, out decision, out isHeld))
            {
                return state;
            }
        }
    }

    private SubjectState StateOf(in SubjectKey key, LimitGroup group)
    {
        if (_subjects.TryGetValue(key, out var state))
        {
            return state;
        }

        var admitted = key;
        if (key.IsUnbounded && SubjectCount >= MaxSubjects)
        {
            // One too many: all such share the permits of one, which bounds what they get as well as what they cost.
            admitted = SubjectKey.OverflowOf(group.Scope);
        }

        var added = new SubjectState(group);
        state = _subjects.GetOrAdd(admitted, added);
        if (ReferenceEquals(state, added))
        {
            Interlocked.Increment(ref _count);
        }

        return state;
    }

    /// <summary>Drops the counts that are as good as none.</summary>
    private void DropIdle()
    {
        var now = Now;
        foreach (var entry in _subjects)
        {
            if (entry.Value.RetireIfIdle(now) && _subjects.TryRemove(entry))
            {
                Interlocked.Decrement(ref _count);
            }
        }
    }

    /// <summary>One per plan is enough: a plan's limits on what is held have one key.</summary>
    [InlineArray(LimitAttempt.MaxPlans)]
    private struct Holds
    {
        private SubjectState _first;
    }
}
