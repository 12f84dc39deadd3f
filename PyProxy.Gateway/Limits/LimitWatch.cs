using PyProxy.Gateway.Limits.Memory;
using PyProxy.Gateway.Limits.Plans;
using PyProxy.Gateway.Limits.Redis;

namespace PyProxy.Gateway.Limits;

/// <summary>Where counts are at the moment.</summary>
internal enum CountedWhere
{
    /// <summary>In this gateway: there is no Redis.</summary>
    Here = 0,

    /// <summary>In Redis, for all gateways.</summary>
    Redis,

    /// <summary>In this gateway, because Redis is away.</summary>
    HereWithoutRedis,
}

/// <summary>Shows the operator how much of which limit is used, and gives permits back by hand. Walks over everything that is counted: not for the hot path.</summary>
internal sealed class LimitWatch(PlanDirectory plans, MemoryLimiterEngine memory, SharedUse shared)
{
    /// <summary>What one user uses, or everybody; who uses nothing may be missing.</summary>
    public async Task<CountedUse> UseAsync(string? user, CancellationToken cancellationToken)
    {
        var uses = memory.UseOf(user).ToList();
        if (!shared.IsConfigured)
        {
            return new CountedUse(uses, CountedWhere.Here, IsTruncated: false);
        }

        if (await shared.UseOfAsync(user, cancellationToken) is not { } fleet)
        {
            return new CountedUse(uses, CountedWhere.HereWithoutRedis, IsTruncated: false);
        }

        uses.RemoveAll(use => plans.Find(use.Subject.Scope.Plan) is not null); // left from an outage; client addresses are always counted here
        uses.AddRange(fleet.Uses);
        return new CountedUse(uses, CountedWhere.Redis, fleet.Truncated);
    }

    /// <summary>How the limits of all plans that apply to one exchange stand, without taking anything.</summary>
    public async Task<IReadOnlyList<LimitUse>> UseAsync(LimitAttempt attempt)
    {
        List<LimitUse> uses = [];
        foreach (var group in attempt.Plans.ToArray().SelectMany(static plan => plan.Groups))
        {
            var subject = attempt.Subject.KeyIn(group.Scope);
            var use = shared.IsConfigured ? await shared.LookAsync(subject, group) : null;
            uses.AddRange((use ?? memory.UseOf(subject, group)).Limits);
        }

        return uses;
    }

    /// <summary>Gives back all permits of the rates that are counted by this user; what is held goes on being held.</summary>
    /// <returns>False where Redis, which has the counts, is away.</returns>
    public Task<bool> ResetAsync(string user, CancellationToken cancellationToken)
    {
        memory.Reset(user);
        return shared.IsConfigured ? shared.ResetAsync(user, cancellationToken) : Task.FromResult(true);
    }
}

/// <param name="Uses">What is counted.</param>
/// <param name="Where">Where it is.</param>
/// <param name="IsTruncated">Whether Redis has more subjects than are looked at in one answer.</param>
internal sealed record CountedUse(IReadOnlyList<SubjectUse> Uses, CountedWhere Where, bool IsTruncated);
