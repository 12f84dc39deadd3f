using System.ComponentModel;

namespace PyProxy.Gateway.Limits;

/// <summary>The section <c>Gateway:Plans</c>: plans by name; names are not case-sensitive, like every configuration key.</summary>
internal sealed class PlansOptions() : Dictionary<string, PlanOptions>(StringComparer.OrdinalIgnoreCase);

/// <summary>One plan: limits that apply together to whoever has it.</summary>
internal sealed class PlanOptions
{
    [Description("Request rates, all enforced at once, per user (without a user: per client address, IPv6 by /64): "
        + "\"20/s\", \"20/s burst 100\", \"5000/h\"; units s, m, h, d; 1 to 1000000000. Without a burst as many may come at once as the rate "
        + "has per unit. Default: none.")]
    public IReadOnlyList<string> Rates { get; init; } = [];
}
