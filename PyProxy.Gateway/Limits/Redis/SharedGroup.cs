using System.Globalization;
using System.Runtime.CompilerServices;
using PyProxy.Gateway.Limits.Plans;
using StackExchange.Redis;

namespace PyProxy.Gateway.Limits.Redis;

/// <summary>What the scripts are told about a group of limits, written once per group.</summary>
internal sealed class SharedGroup
{
    /// <summary>
    /// Permits that one gateway may have in advance: one in a hundred. This is the bound of what sharing can cost: docs/shared-limits.md states it, and
    /// the test with three gateways holds it.
    /// </summary>
    public const int AheadShare = 100;

    private static readonly ConditionalWeakTable<LimitGroup, SharedGroup> Groups = [];

    private SharedGroup(LimitGroup group)
    {
        Limits = group.Limits;
        Arguments = new RedisValue[Limits.Length][];
        MaxAhead = new int[Limits.Length];
        var seen = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < Limits.Length; i++)
        {
            var limit = Limits[i];
            if (limit.IsHeld)
            {
                (limit.Algorithm == LimitAlgorithm.Tunnels ? ref Tunnels : ref Requests) = limit;
                Arguments[i] = [];
                continue;
            }

            var algorithm = limit.Algorithm switch { LimitAlgorithm.FixedWindow => "F", LimitAlgorithm.SlidingWindow => "S", _ => "T" };
            var name = string.Create(CultureInfo.InvariantCulture, $"{algorithm}{(long)limit.Window.TotalMilliseconds}");
            var count = seen[name] = seen.GetValueOrDefault(name) + 1;
            var field = count == 1 ? name : string.Create(CultureInfo.InvariantCulture, $"{name}#{count}");
            Arguments[i] = [algorithm, field, limit.Amount, limit.Burst, (long)limit.Window.TotalMicroseconds];
            MaxAhead[i] = (int)Math.Min((limit.Algorithm == LimitAlgorithm.TokenBucket ? limit.Burst : limit.Amount) / AheadShare, int.MaxValue);
        }
    }

    public Limit[] Limits { get; }

    /// <summary>Per rate what the script is told first: algorithm, field (the same after a reload that changes its numbers only) and numbers.</summary>
    public RedisValue[][] Arguments { get; }

    public int[] MaxAhead { get; }

    /// <summary>The limit on requests at once.</summary>
    public readonly Limit? Requests;

    /// <summary>The limit on tunnels at once.</summary>
    public readonly Limit? Tunnels;

    public static SharedGroup Of(LimitGroup group) => Groups.GetValue(group, static group => new SharedGroup(group));

    /// <summary>The limit that a request or a tunnel is held under.</summary>
    public Limit? HeldBy(bool isTunnel) => isTunnel && Tunnels is not null ? Tunnels : Requests;
}
