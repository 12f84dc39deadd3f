using PyProxy.Gateway.Limits.Plans;

namespace PyProxy.Gateway.Limits;

/// <summary>How much of one limit is used at the moment.</summary>
/// <param name="Limit">The limit.</param>
/// <param name="Left">Permits left.</param>
/// <param name="FullAfter">When all are back, if nobody asks; zero for what is held.</param>
internal readonly record struct LimitUse(Limit Limit, long Left, TimeSpan FullAfter)
{
    public long Used => Math.Max(0, Limit.Burst - Left);

    /// <summary>0 to 1.</summary>
    public double Share => Math.Clamp((double)Used / Limit.Burst, 0, 1);
}

/// <summary>How much of the limits that are counted together is used.</summary>
/// <param name="Subject">By whom and of what.</param>
/// <param name="Limits">The limits.</param>
internal sealed record SubjectUse(SubjectKey Subject, IReadOnlyList<LimitUse> Limits);
