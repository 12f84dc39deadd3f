using PyProxy.Gateway.Limits.Plans;
using PyProxy.Gateway.State.Redis;
using StackExchange.Redis;

namespace PyProxy.Gateway.Limits.Redis;

/// <summary>
/// Counts that several gateways share. Most decisions need no question: permits that this gateway has in advance, or the memory of what is used up.
/// The others are one script over all limits of the exchange. While Redis is away <see cref="WithoutRedis"/> decides.
/// </summary>
internal sealed class RedisLimiterEngine : ILimiterEngine, IAsyncDisposable
{
    // Every key that is held is renewed three times in it; 100,000 users with open tunnels make it 10,000 small scripts a second.
    private static readonly TimeSpan DefaultHeldLife = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan SweepInterval = TimeSpan.FromSeconds(1);

    private readonly SharedSubjects _subjects;
    private readonly RedisConnection _redis;
    private readonly WithoutRedis _withoutRedis;
    private readonly Fleet _fleet;
    private readonly SharedLimitsMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly long _started;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _sweeping;
    private readonly Lock _order = new();
    private readonly long _heldMilliseconds;
    private readonly long _renewAfter;

    public RedisLimiterEngine(RedisConnection redis, WithoutRedis withoutRedis, Fleet fleet, SharedLimitsMetrics metrics, TimeProvider time)
        : this(redis, withoutRedis, fleet, metrics, time, DefaultHeldLife)
    {
    }

    /// <summary>With another life of what is held: what this gateway holds is good for so long after it last said so; a crash gives it back.</summary>
    internal RedisLimiterEngine(
        RedisConnection redis, WithoutRedis withoutRedis, Fleet fleet, SharedLimitsMetrics metrics, TimeProvider time, TimeSpan heldLife)
    {
        _heldMilliseconds = (long)heldLife.TotalMilliseconds;
        _renewAfter = heldLife.Ticks / 3;
        _redis = redis;
        _subjects = new SharedSubjects(redis.Prefix);
        _withoutRedis = withoutRedis;
        _fleet = fleet;
        _metrics = metrics;
        _time = time;
        _started = time.GetTimestamp();
        _sweeping = SweepAsync(_stopping.Token);
    }

    private long Now => _time.GetElapsedTime(_started).Ticks;

    public ValueTask<LimitDecision> AcquireAsync(LimitAttempt attempt, CancellationToken cancellationToken)
    {
        if (!_redis.IsUsable)
        {
            return new(DecideAlone(attempt));
        }

        var now = Now;
        var decision = LimitDecision.Allowed;
        var permits = default(SharedPermits);
        SharedAsk? ask = null;
        foreach (var plan in attempt.Plans)
        {
            foreach (var group in plan.Groups)
            {
                permits.Add(Take(group, attempt, now, ref decision, ref ask));
            }
        }

        if (ask is null)
        {
            _metrics.Decided(decision.IsAllowed ? "ahead" : "used_up");
            return new(Conclude(attempt, decision, permits));
        }

        if (!decision.IsAllowed)
        {
            // Refused from memory: what else is charged is charged with the next question.
            foreach (var part in ask.Parts)
            {
                foreach (var index in part.Rates)
                {
                    part.Subject.Owe(index, attempt.Permits);
                }
            }

            _metrics.Decided("used_up");
            return new(Conclude(attempt, decision, permits));
        }

        return AskAsync(attempt, ask, decision, permits, now);
    }

    public void Release(LimitAttempt attempt)
    {
        if (attempt.EngineState is SharedPermit one)
        {
            Release(one);
        }
        else if (attempt.EngineState is SharedPermit[] several)
        {
            foreach (var permit in several)
            {
                Release(permit);
            }
        }

        attempt.EngineState = null;
        attempt.HoldsPermits = false;
    }

    /// <summary>Forgets what is known of a user's rates: their counts in Redis were set by hand.</summary>
    public void Forget(string user) => _subjects.Forget(user);

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync(); // the container knows it by two names and disposes it by both
        await _sweeping;
    }

    private async ValueTask<LimitDecision> AskAsync(LimitAttempt attempt, SharedAsk ask, LimitDecision decision, SharedPermits permits, long now)
    {
        // 1. All calls are sent before any is waited for
        var calls = new List<(IReadOnlyList<SharedAskPart> Parts, Task<RedisResult?> Answer)>();
        foreach (var parts in ask.Calls(_redis.IsCluster))
        {
            calls.Add((parts, Send(parts, attempt.Permits, now)));
        }

        // 2. Each answer is taken in, whatever the others say
        var isAnswered = true;
        foreach (var (parts, call) in calls)
        {
            if (await call is { } answer)
            {
                Read(parts, attempt.Permits, (RedisResult[])answer!, now, ref decision, ref permits);
                continue;
            }

            isAnswered = false;
            foreach (var part in parts)
            {
                part.Subject.NotAnswered(part);
            }
        }

        // 3. Without an answer it is decided as while Redis is away, which it now is
        if (!isAnswered)
        {
            GiveBack(permits);
            return DecideAlone(attempt);
        }

        _metrics.Decided("redis");
        return Conclude(attempt, decision, permits);
    }

    private Task<RedisResult?> Send(IReadOnlyList<SharedAskPart> parts, int permits, long now)
    {
        var keys = new List<RedisKey>(parts.Count * 2);
        var arguments = new List<RedisValue>(16) { _fleet.Instance, _heldMilliseconds };

        // Numbers of what is held overwrite each other in Redis: they have to arrive in the order in which they were true.
        lock (_order)
        {
            foreach (var part in parts)
            {
                part.AddKeys(keys);
                part.Subject.Write(part, permits, now, arguments);
            }

            return _redis.TryEvaluateAsync(SharedLimitScripts.Decide, [.. keys], [.. arguments]);
        }
    }

    private void Read(
        IReadOnlyList<SharedAskPart> parts, int permits, RedisResult[] answer, long sent, ref LimitDecision decision, ref SharedPermits held)
    {
        var now = Now;
        var rest = answer.AsSpan();
        foreach (var part in parts)
        {
            held.Add(part.Subject.Read(part, permits, rest[..part.AnswerLength], sent, now, ref decision));
            rest = rest[part.AnswerLength..];
        }
    }

    private LimitDecision DecideAlone(LimitAttempt attempt)
    {
        _metrics.Decided("alone");
        var decision = _withoutRedis.DecideRates(attempt);
        var permits = default(SharedPermits);
        if (!attempt.ChargesOnly)
        {
            foreach (var plan in attempt.Plans)
            {
                foreach (var group in plan.Groups)
                {
                    permits.Add(Hold(group, attempt, ref decision));
                }
            }
        }

        return Conclude(attempt, decision, permits);
    }

    private SharedPermit? Hold(LimitGroup group, LimitAttempt attempt, ref LimitDecision decision)
    {
        if (SharedGroup.Of(group).HeldBy(attempt.IsTunnel) is not { } limit)
        {
            return null;
        }

        SharedPermit? permit;
        while (!_subjects.Of(group, attempt).TryHold(group, attempt, _withoutRedis.ShareOf(limit), ref decision, out permit))
        {
        }

        return permit;
    }

    private SharedPermit? Take(LimitGroup group, LimitAttempt attempt, long now, ref LimitDecision decision, ref SharedAsk? ask)
    {
        SharedPermit? permit;
        while (!_subjects.Of(group, attempt).TryTake(group, attempt, now, ref decision, ref ask, out permit))
        {
        }

        return permit;
    }

    private LimitDecision Conclude(LimitAttempt attempt, in LimitDecision decision, in SharedPermits permits)
    {
        if (!decision.IsAllowed)
        {
            GiveBack(permits);
        }
        else if (permits.Count > 0)
        {
            attempt.EngineState = permits.Count == 1 ? permits[0] : permits.ToArray();
            attempt.HoldsPermits = true;
        }

        return decision;
    }

    private void GiveBack(in SharedPermits permits)
    {
        for (var i = 0; i < permits.Count; i++)
        {
            Release(permits[i]);
        }
    }

    private void Release(SharedPermit permit)
    {
        if (permit.Subject.Release(permit.IsTunnel))
        {
            Tell(permit.Subject);
        }
    }

    private void Tell(SharedSubject subject)
    {
        lock (_order)
        {
            var (requests, tunnels) = subject.Tell(Now + _renewAfter);

            // Nobody waits for it: what is not heard is renewed, or expires.
            _ = _redis.TryEvaluateAsync(
                SharedLimitScripts.Hold, [subject.HeldKey], [_fleet.Instance, _heldMilliseconds, requests, tunnels]);
        }
    }

    private async Task SweepAsync(CancellationToken stopping)
    {
        using var timer = new PeriodicTimer(SweepInterval, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(stopping))
            {
                _subjects.Sweep(Now, Tell);
                await _fleet.RegisterAsync();
            }
        }
        catch (OperationCanceledException)
        {
            // The gateway stops. What it still holds expires, or is given back by the requests that end.
        }
    }
}
