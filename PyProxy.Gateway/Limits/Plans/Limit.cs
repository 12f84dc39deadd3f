namespace PyProxy.Gateway.Limits.Plans;

/// <summary>How a limit counts.</summary>
internal enum LimitAlgorithm
{
    /// <summary>Permits come back steadily, up to the burst.</summary>
    TokenBucket = 0,

    /// <summary>At most the amount in any stretch of time as long as the window.</summary>
    SlidingWindow,

    /// <summary>At most the amount from one full hour (minute, day) to the next, as UTC has them.</summary>
    FixedWindow,

    /// <summary>Requests at once.</summary>
    Concurrency,

    /// <summary>Tunnels at once.</summary>
    Tunnels,
}

/// <summary>One limit on the number of requests. Immutable; made anew by every reload.</summary>
/// <param name="Plan">Name of the plan that it belongs to.</param>
/// <param name="Name">As refusals name it within the plan: <c>20/s</c>, <c>50 concurrent</c>.</param>
/// <param name="Algorithm">How it counts.</param>
/// <param name="Amount">Permits per window, or at once.</param>
/// <param name="Window">The time that <paramref name="Amount"/> is meant for; zero for what is counted at once.</param>
/// <param name="Burst">How many may come at once; differs from <paramref name="Amount"/> only in a token bucket.</param>
/// <param name="Key">By what its counts are told apart.</param>
internal sealed record Limit(string Plan, string Name, LimitAlgorithm Algorithm, long Amount, TimeSpan Window, long Burst, LimitKey Key)
{
    /// <summary>As clients and logs are told: <c>plan standard: 20/s</c>.</summary>
    public string FullName { get; } = $"plan {Plan}: {Name}";

    /// <summary>How fast the permits of a token bucket come back.</summary>
    public double PerSecond { get; } = Window > TimeSpan.Zero ? Amount / Window.TotalSeconds : 0;

    /// <summary>Whether permits are held until the exchange ends.</summary>
    public bool IsHeld => Algorithm is LimitAlgorithm.Concurrency or LimitAlgorithm.Tunnels;

    /// <summary>
    /// Whether the counts of <paramref name="other"/>, which a reload replaces by this one, go on: its numbers may have changed, not its nature.
    /// </summary>
    public bool Continues(Limit other) => Algorithm == other.Algorithm && Window == other.Window && Key == other.Key;
}

/// <summary>Bytes per second in one direction.</summary>
/// <param name="Plan">Name of the plan that it belongs to.</param>
/// <param name="Name">As it was written, without burst and key: <c>10MB/s</c>.</param>
/// <param name="BytesPerSecond">The rate.</param>
/// <param name="Burst">Bytes that may move at once after a pause.</param>
/// <param name="Key">By what it is told apart whose bytes are added up.</param>
internal sealed record BandwidthLimit(string Plan, string Name, long BytesPerSecond, long Burst, LimitKey Key);

/// <summary>The calendar stretch that a quota is for.</summary>
internal enum QuotaPeriod
{
    Day = 0,
    Week,
    Month,
}

/// <summary>What becomes of a user at the end of a quota.</summary>
internal enum QuotaEnd
{
    /// <summary>New requests and tunnels are refused; what runs goes on.</summary>
    Refuse = 0,

    /// <summary>New ones are refused and what runs is cut.</summary>
    Cut,

    /// <summary>Everything goes on at <see cref="QuotaLimit.SlowBytesPerSecond"/>.</summary>
    Slow,
}

/// <summary>An amount for a calendar period.</summary>
/// <param name="Plan">Name of the plan that it belongs to.</param>
/// <param name="Name">As refusals name it within the plan: <c>200GB/month</c>.</param>
/// <param name="Amount">Bytes (both directions) or requests.</param>
/// <param name="CountsBytes">False: requests, a tunnel being one.</param>
/// <param name="Period">Day, week or month.</param>
/// <param name="StartDay">First day of the period: of a month 1 to 28, of a week a <see cref="DayOfWeek"/>; 0 for a day.</param>
/// <param name="TimeZone">Whose midnight it is.</param>
/// <param name="End">What happens when it is used up.</param>
/// <param name="SlowBytesPerSecond">Rate per direction for <see cref="QuotaEnd.Slow"/>; otherwise 0.</param>
internal sealed record QuotaLimit(
    string Plan, string Name, long Amount, bool CountsBytes, QuotaPeriod Period, int StartDay, TimeZoneInfo TimeZone, QuotaEnd End,
    long SlowBytesPerSecond)
{
    /// <summary>As clients and logs are told: <c>plan standard: 200GB/month</c>.</summary>
    public string FullName { get; } = $"plan {Plan}: {Name}";

    /// <summary>
    /// Names what is counted, whatever the amount is: <c>plan standard: bytes/month</c>. A plan has one such quota at most, so that a reload with
    /// another amount goes on counting.
    /// </summary>
    public string CounterName { get; } = $"plan {Plan.ToLowerInvariant()}: {(CountsBytes ? "bytes" : "requests")}/{Period.ToString().ToLowerInvariant()}";

    /// <summary>How fast bytes may move, in each direction, once it is used up; <see langword="null"/> where its end means something else.</summary>
    public BandwidthLimit? Slow { get; } = End == QuotaEnd.Slow
        ? new BandwidthLimit(Plan, Name, SlowBytesPerSecond, Math.Max(SlowBytesPerSecond / 10, 1_000), LimitKey.User)
        : null;
}
