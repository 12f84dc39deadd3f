using PyProxy.Gateway.Limits.Plans;
using PyProxy.Gateway.State.Redis;
using StackExchange.Redis;

namespace PyProxy.Gateway.Limits.Redis;

/// <summary>How limits stand in Redis: the question that every decision is, asking for nothing.</summary>
internal static class SharedStandings
{
    // Nothing is held by the question, so the life of what is held means nothing.
    private const int NoLife = 0;

    public static async ValueTask<IReadOnlyList<LimitStanding>> PeekAsync(
        RedisConnection redis, string instance, LimitAttempt attempt, CancellationToken cancellationToken)
    {
        List<LimitStanding> standings = [];
        var groups = attempt.Plans.ToArray().SelectMany(static plan => plan.Groups).Select(group => (group, attempt.Subject.KeyIn(group.Scope)));
        foreach (var (group, key) in groups)
        {
            // What each gateway has in advance is missing here, a hundredth at the most; what is held is each gateway's own to say.
            var rates = Array.FindAll(group.Limits, static limit => !limit.IsHeld);
            var left = rates.Length == 0 ? null : await AskAsync(redis, instance, group, rates, key).WaitAsync(cancellationToken);
            standings.AddRange(rates.Select((limit, i) => new LimitStanding(limit, left is null ? null : (long)left[(i * 3) + 1])));
            standings.AddRange(group.Limits.Where(static limit => limit.IsHeld).Select(static limit => new LimitStanding(limit, Left: null)));
        }

        return standings;
    }

    private static async Task<RedisResult[]?> AskAsync(RedisConnection redis, string instance, LimitGroup group, Limit[] rates, SubjectKey key)
    {
        var shape = SharedGroup.Of(group);
        List<RedisValue> arguments = [instance, NoLife, rates.Length];
        foreach (var limit in rates)
        {
            arguments.AddRange(shape.Arguments[Array.IndexOf(shape.Limits, limit)]);
            arguments.AddRange([0, 0, 0]);
        }

        arguments.Add("-");
        var answer = await redis.TryEvaluateAsync(
            SharedLimitScripts.Decide, [SharedKeyNames.Rates(redis.Prefix, key), SharedKeyNames.Held(redis.Prefix, key)], [.. arguments]);
        return answer is null ? null : (RedisResult[])answer!;
    }
}
