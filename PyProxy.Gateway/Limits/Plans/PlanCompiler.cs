using System.Collections.Frozen;
using System.Globalization;

namespace PyProxy.Gateway.Limits.Plans;

/// <summary>Makes plans of their options. Keeps the scopes: what a plan's limits have counted goes on after a reload, whatever its numbers are then.</summary>
internal sealed class PlanCompiler
{
    // Grows by what an operator ever configured, not by traffic.
    private readonly Dictionary<(string Plan, LimitKey Key), LimitScope> _scopes = [];

    public FrozenDictionary<string, Plan> Compile(PlansOptions options)
    {
        var plans = new Dictionary<string, Plan>(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, plan) in options)
        {
            plans[name] = Compile(name, plan);
        }

        return plans.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);
    }

    private Plan Compile(string name, PlanOptions options)
    {
        var limits = LimitsOf(name, options);
        var groups = limits.GroupBy(static limit => limit.Key)
            .Select(group => new LimitGroup(ScopeOf(name, group.Key), [.. group])).ToArray();
        return new Plan(
            name,
            groups,
            BandwidthOf(name, options.Bandwidth?.Down, nameof(BandwidthOptions.Down)),
            BandwidthOf(name, options.Bandwidth?.Up, nameof(BandwidthOptions.Up)),
            QuotasOf(name, options),
            RateLimitPolicyOf(limits))
        {
            EgressProfile = options.EgressProfile,
        };
    }

    private LimitScope ScopeOf(string plan, LimitKey key)
    {
        // By its folded name: configuration keys are not case-sensitive, and a reload may write the same plan differently.
        var folded = (plan.ToUpperInvariant(), key);
        if (!_scopes.TryGetValue(folded, out var scope))
        {
            _scopes[folded] = scope = new LimitScope(plan, key);
        }

        return scope;
    }

    // Leaving out what does not parse would mean no limit; validation has seen it before, so this is a bug.
    private static InvalidOperationException NotValidated(string path) => new($"Gateway:Plans:{path} was not validated.");

    private static List<Limit> LimitsOf(string name, PlanOptions options)
    {
        var limits = new List<Limit>(options.Rates.Count + 2);
        for (var i = 0; i < options.Rates.Count; i++)
        {
            limits.Add(LimitParser.TryParseRate(name, options.Rates[i], out var limit) ? limit : throw NotValidated($"{name}:Rates:{i}"));
        }

        var key = LimitKey.User;
        if (options.ConcurrencyPer is { } per && !LimitText.TryParseKey(per, out key))
        {
            throw NotValidated($"{name}:ConcurrencyPer");
        }

        if (options.Concurrency is { } concurrency)
        {
            limits.Add(new Limit(name, $"{concurrency} concurrent", LimitAlgorithm.Concurrency, concurrency, TimeSpan.Zero, concurrency, key));
        }

        if (options.Tunnels is { } tunnels)
        {
            limits.Add(new Limit(name, $"{tunnels} tunnels", LimitAlgorithm.Tunnels, tunnels, TimeSpan.Zero, tunnels, key));
        }

        return limits;
    }

    private ScopedBandwidth? BandwidthOf(string name, string? text, string direction) => text is null ? null
        : LimitParser.TryParseBandwidth(name, text, out var limit) ? new ScopedBandwidth(ScopeOf(name, limit.Key), limit)
        : throw NotValidated($"{name}:Bandwidth:{direction}");

    private static QuotaLimit[] QuotasOf(string name, PlanOptions options)
    {
        var quotas = new QuotaLimit[options.Quotas.Count];
        for (var i = 0; i < quotas.Length; i++)
        {
            quotas[i] = LimitParser.TryParseQuota(name, options.Quotas[i], out var quota) ? quota : throw NotValidated($"{name}:Quotas:{i}");
        }

        return quotas;
    }

    /// <summary>The rates as the IETF draft on RateLimit fields writes a policy: <c>"20/s";q=100;w=5</c>.</summary>
    private static string? RateLimitPolicyOf(List<Limit> limits)
    {
        var items = limits.Where(static limit => !limit.IsHeld)
            .Select(static limit => string.Create(CultureInfo.InvariantCulture, $"\"{limit.Name}\";q={limit.Amount};w={Seconds(limit)}"));
        var field = string.Join(", ", items);
        return field.Length == 0 ? null : field;

        static long Seconds(Limit limit) => (long)limit.Window.TotalSeconds;
    }
}
