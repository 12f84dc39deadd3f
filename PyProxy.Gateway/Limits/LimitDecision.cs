using PyProxy.Gateway.Limits.Plans;

namespace PyProxy.Gateway.Limits;

/// <summary>What the limits said about one request.</summary>
/// <param name="IsAllowed">No limit refused.</param>
/// <param name="Limit">
/// Refused: the limit that refused, of several the one that needs longest. Allowed: the rate nearest to its end, or
/// <see langword="null"/> where no rate applies.
/// </param>
/// <param name="Left">Permits that <paramref name="Limit"/> has left.</param>
/// <param name="After">Refused: when it is worth another try. Allowed: when <paramref name="Limit"/> has all its permits again.</param>
internal readonly record struct LimitDecision(bool IsAllowed, Limit? Limit, long Left, TimeSpan After)
{
    public static LimitDecision Allowed { get; } = new(IsAllowed: true, Limit: null, long.MaxValue, TimeSpan.Zero);

    /// <summary>The two as one: a refusal outweighs, the longer one of two; of two that allow, the one nearer to its end.</summary>
    public static LimitDecision Combine(in LimitDecision first, in LimitDecision second)
    {
        if (first.IsAllowed != second.IsAllowed)
        {
            return first.IsAllowed ? second : first;
        }

        if (!first.IsAllowed)
        {
            return second.After > first.After ? second : first;
        }

        return second.Limit is null || (first.Limit is not null && first.ShareLeft <= second.ShareLeft) ? first : second;
    }

    private double ShareLeft => (double)Left / Limit!.Burst;
}
