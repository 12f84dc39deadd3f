using System.Runtime.CompilerServices;
using PyProxy.Gateway.Limits.Plans;

namespace PyProxy.Gateway.Limits;

/// <summary>
/// One request's question to the limiter engine: who asks, under which plans, and what is held for it. Reused from request to request.
/// </summary>
internal sealed class LimitAttempt
{
    /// <summary>Plans that can apply to one request: user's, rule's, route's, endpoint's, and those of so many groups that it makes eight.</summary>
    public const int MaxPlans = 8;

    private PlanSlots _plans;
    private int _count;

    public LimitSubject Subject { get; set; }

    /// <summary>Permits asked of every rate.</summary>
    public int Permits { get; set; } = 1;

    /// <summary>Whether a tunnel is asked for: counted by <see cref="LimitAlgorithm.Tunnels"/> where a plan has it, by Concurrency elsewhere.</summary>
    public bool IsTunnel { get; set; }

    /// <summary>Whether only rates are charged and nothing is held: for a request that has been refused already.</summary>
    public bool ChargesOnly { get; set; }

    /// <summary>How many names of plans that are not there the request has: a user store's or a token's.</summary>
    public int UnknownPlans { get; set; }

    /// <summary>Set by the engine when there is something to give back.</summary>
    public bool HoldsPermits { get; set; }

    /// <summary>What the engine remembers for giving back; the engine's own business.</summary>
    public object? EngineState { get; set; }

    public ReadOnlySpan<Plan> Plans => ((ReadOnlySpan<Plan>)_plans)[.._count];

    /// <summary>Adds a plan; one that is there already counts once.</summary>
    public void Add(Plan plan)
    {
        foreach (var known in Plans)
        {
            if (ReferenceEquals(known, plan))
            {
                return;
            }
        }

        if (_count < MaxPlans)
        {
            _plans[_count++] = plan;
        }
    }

    public void Clear()
    {
        ((Span<Plan>)_plans)[.._count].Clear();
        _count = 0;
        Subject = default;
        Permits = 1;
        UnknownPlans = 0;
        IsTunnel = ChargesOnly = HoldsPermits = false;
        EngineState = null;
    }

    [InlineArray(MaxPlans)]
    private struct PlanSlots
    {
        private Plan _first;
    }
}
