namespace PyProxy.Gateway.Limits.Plans;

/// <summary>
/// A plan at run time: what the configuration says, parsed once. Immutable and without counts; those are the engine's, under the scopes of
/// the plan's groups, which outlive a reload.
/// </summary>
internal sealed class Plan(
    string name, LimitGroup[] groups, ScopedBandwidth? down, ScopedBandwidth? up, QuotaLimit[] quotas, string? rateLimitPolicy)
{
    public string Name { get; } = name;

    /// <summary>The limits on the number of requests, by key.</summary>
    public LimitGroup[] Groups { get; } = groups;

    /// <summary>Whether permits of it are held until the exchange ends.</summary>
    public bool HasHeld { get; } = Array.Exists(groups, static group => group.HasHeld);

    public ScopedBandwidth? Down { get; } = down;

    public ScopedBandwidth? Up { get; } = up;

    public QuotaLimit[] Quotas { get; } = quotas;

    /// <summary>What the plan adds to the field <c>RateLimit-Policy</c>; <see langword="null"/> where it has no rates.</summary>
    public string? RateLimitPolicy { get; } = rateLimitPolicy;

    /// <summary>Name of the egress profile; <see langword="null"/> where the plan has none.</summary>
    public string? EgressProfile { get; init; }
}

/// <summary>Limits of one plan whose counts lie together because they are told apart by the same key.</summary>
/// <param name="scope">Whose counts they are; the same object before and after a reload.</param>
/// <param name="limits">At least one.</param>
internal sealed class LimitGroup(LimitScope scope, Limit[] limits)
{
    public LimitScope Scope { get; } = scope;

    public Limit[] Limits { get; } = limits;

    public bool HasHeld { get; } = Array.Exists(limits, static limit => limit.IsHeld);

    public bool HasTunnels { get; } = Array.Exists(limits, static limit => limit.Algorithm == LimitAlgorithm.Tunnels);
}

/// <summary>A limit on bandwidth and whose bytes it adds up.</summary>
/// <param name="Scope">The same object before and after a reload.</param>
/// <param name="Limit">The limit.</param>
internal sealed record ScopedBandwidth(LimitScope Scope, BandwidthLimit Limit);

/// <summary>Where the counts of a plan's limits with one key belong. Compared by reference: there is one per plan's name and key, for good.</summary>
/// <param name="plan">The plan's name as first configured.</param>
/// <param name="key">By what subjects are told apart.</param>
internal sealed class LimitScope(string plan, LimitKey key)
{
    public string Plan { get; } = plan;

    public LimitKey Key { get; } = key;

    /// <summary>Names the scope in stores that several gateways share: <c>standard:user+host</c>.</summary>
    public string Name { get; } = $"{plan.ToLowerInvariant()}:{LimitText.KeyName(key)}";
}
