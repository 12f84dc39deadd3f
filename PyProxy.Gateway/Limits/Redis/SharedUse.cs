using PyProxy.Gateway.Limits.Plans;
using PyProxy.Gateway.State.Redis;
using StackExchange.Redis;

namespace PyProxy.Gateway.Limits.Redis;

/// <summary>What lies in Redis, for the operator's eyes and hands.</summary>
internal sealed class SharedUse(RedisConnection redis, PlanDirectory plans, ILimiterEngine engine)
{
    /// <summary>More subjects than this are not looked at in one answer.</summary>
    private const int MostSubjects = 20_000;

    // Sent before any is waited for: a round trip for each of many subjects would take long, all at once would hold up decisions.
    private const int AtOnce = 200;

    public bool IsConfigured => redis.IsConfigured;

    /// <returns><see langword="null"/> while Redis is away.</returns>
    public async Task<(IReadOnlyList<SubjectUse> Uses, bool Truncated)?> UseOfAsync(string? user, CancellationToken cancellationToken)
    {
        var truncated = false;
        var groups = GroupsByScope();
        var subjects = new HashSet<SubjectKey>();
        foreach (var pattern in (string[])[SharedKeyNames.RatesPattern(redis.Prefix, user), SharedKeyNames.HeldPattern(redis.Prefix, user)])
        {
            if (await redis.TryListKeysAsync(pattern, MostSubjects + 1, cancellationToken) is not { } keys)
            {
                return null;
            }

            truncated |= keys.Count > MostSubjects;
            foreach (var key in keys.Take(MostSubjects))
            {
                if (SharedKeyNames.TryParse(redis.Prefix, key.ToString(), groups, out var subject) && (user is null || subject.User == user))
                {
                    subjects.Add(subject);
                }
            }
        }

        var uses = new List<SubjectUse>(subjects.Count);
        foreach (var some in subjects.Chunk(AtOnce))
        {
            foreach (var use in await Task.WhenAll(some.Select(subject => LookAsync(subject, groups[subject.Scope.Name]))))
            {
                if (use is null)
                {
                    return null;
                }

                uses.Add(use);
            }
        }

        return (uses, truncated);
    }

    /// <returns>False while Redis is away.</returns>
    public async Task<bool> ResetAsync(string user, CancellationToken cancellationToken)
    {
        IReadOnlyCollection<RedisKey>? keys;
        do
        {
            keys = await redis.TryListKeysAsync(SharedKeyNames.RatesPattern(redis.Prefix, user), MostSubjects, cancellationToken);
            foreach (var key in keys ?? [])
            {
                if (await redis.TryEvaluateAsync(SharedLimitScripts.Forget, [key], []) is null)
                {
                    return false;
                }
            }
        }
        while (keys?.Count == MostSubjects); // the next are found once these are gone

        if (keys is null)
        {
            return false;
        }

        (engine as RedisLimiterEngine)?.Forget(user); // other gateways ask again within a second
        return true;
    }

    private Dictionary<string, LimitGroup> GroupsByScope()
    {
        var groups = new Dictionary<string, LimitGroup>(StringComparer.Ordinal);
        foreach (var plan in plans.All)
        {
            foreach (var group in plan.Groups)
            {
                groups[group.Scope.Name] = group;
            }
        }

        return groups;
    }

    /// <summary>Asks the deciding script for no permits at all: its answer says what is left.</summary>
    /// <returns><see langword="null"/> while Redis is away.</returns>
    public async Task<SubjectUse?> LookAsync(SubjectKey subject, LimitGroup group)
    {
        var shape = SharedGroup.Of(group);
        RedisKey rates = SharedKeyNames.Rates(redis.Prefix, subject), held = SharedKeyNames.Held(redis.Prefix, subject);
        List<RedisValue> arguments = ["", 0, group.Limits.Count(static limit => !limit.IsHeld)];
        foreach (var rate in shape.Arguments)
        {
            arguments.AddRange(rate);
            arguments.AddRange(rate.Length == 0 ? [] : [0, 0, 0]);
        }

        arguments.Add("-");
        var asked = redis.TryEvaluateAsync(SharedLimitScripts.Decide, [rates, held], [.. arguments]);
        if (await redis.TryEvaluateAsync(SharedLimitScripts.Count, [held], []) is not { } counted || await asked is not { } answered)
        {
            return null;
        }

        var (inUse, said) = ((RedisResult[])counted!, (RedisResult[])answered!);
        var limits = new LimitUse[group.Limits.Length];
        for (var (i, next) = (0, 0); i < limits.Length; i++)
        {
            var limit = group.Limits[i];
            if (limit.IsHeld)
            {
                limits[i] = new LimitUse(limit, limit.Amount - (long)inUse[limit.Algorithm == LimitAlgorithm.Tunnels ? 1 : 0], TimeSpan.Zero);
                continue;
            }

            var left = (long)said[next + 1];
            limits[i] = new LimitUse(limit, left, left >= limit.Burst ? TimeSpan.Zero : TimeSpan.FromMilliseconds((long)said[next + 2]));
            next += 3;
        }

        return new SubjectUse(subject, limits);
    }
}
