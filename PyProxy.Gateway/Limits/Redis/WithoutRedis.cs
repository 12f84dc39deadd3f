using System.Runtime.CompilerServices;
using Microsoft.Extensions.Options;
using PyProxy.Gateway.Limits.Memory;
using PyProxy.Gateway.Limits.Plans;

namespace PyProxy.Gateway.Limits.Redis;

/// <summary>What holds while Redis is away.</summary>
internal enum RedisAwayMode
{
    /// <summary>Every gateway enforces its own share of each limit.</summary>
    Local = 0,

    /// <summary>No limit that is shared is enforced.</summary>
    Open,

    /// <summary>Whatever is under a limit is refused.</summary>
    Closed,
}

/// <summary>Decides while Redis is away, in memory and so without waiting.</summary>
internal sealed class WithoutRedis(MemoryLimiterEngine memory, Fleet fleet, IOptionsMonitor<LimitsOptions> options)
{
    private readonly ConditionalWeakTable<Plan, Share> _shares = [];

    /// <summary>This gateway's share of what may be held.</summary>
    public long ShareOf(Limit limit) => options.CurrentValue.RedisAway switch
    {
        RedisAwayMode.Open => long.MaxValue,
        RedisAwayMode.Closed => 0,
        _ => Divide(limit.Amount, Gateways),
    };

    /// <summary>The rates alone; what is held is counted where it is counted while Redis is there.</summary>
    public LimitDecision DecideRates(LimitAttempt attempt)
    {
        switch (options.CurrentValue.RedisAway)
        {
            case RedisAwayMode.Open:
                return LimitDecision.Allowed;
            case RedisAwayMode.Closed:
                return FirstLimitOf(attempt) is { } limit
                    ? new LimitDecision(IsAllowed: false, limit, Left: 0, TimeSpan.FromSeconds(1))
                    : LimitDecision.Allowed;
            default:
                var own = new LimitAttempt { Subject = attempt.Subject, Permits = attempt.Permits, IsTunnel = attempt.IsTunnel, ChargesOnly = true };
                foreach (var plan in attempt.Plans)
                {
                    own.Add(ShareOf(plan));
                }

                return memory.Acquire(own);
        }
    }

    private int Gateways => options.CurrentValue.Gateways ?? fleet.Size;

    private static Limit? FirstLimitOf(LimitAttempt attempt)
    {
        foreach (var plan in attempt.Plans)
        {
            foreach (var group in plan.Groups)
            {
                return group.Limits[0];
            }
        }

        return null;
    }

    private Plan ShareOf(Plan plan)
    {
        var gateways = Gateways;
        if (_shares.TryGetValue(plan, out var share) && share.Gateways == gateways)
        {
            return share.Plan;
        }

        share = new Share(gateways, Divide(plan, gateways));
        _shares.AddOrUpdate(plan, share);
        return share.Plan;
    }

    private static Plan Divide(Plan plan, int gateways) => new(
        plan.Name, [.. plan.Groups.Select(group => new LimitGroup(group.Scope, [.. group.Limits.Select(limit => Divide(limit, gateways))]))],
        plan.Down, plan.Up, plan.Quotas, plan.RateLimitPolicy);

    private static Limit Divide(Limit limit, int gateways) => new(
        limit.Plan, limit.Name, limit.Algorithm, Divide(limit.Amount, gateways), limit.Window, Divide(limit.Burst, gateways), limit.Key);

    private static long Divide(long amount, int gateways) => Math.Max(1, amount / gateways);

    private sealed record Share(int Gateways, Plan Plan);
}
