using System.ComponentModel;

namespace PyProxy.Gateway.Limits;

/// <summary>The section <c>Gateway:Limits</c>: what holds for everybody, whatever their plans.</summary>
internal sealed class LimitsOptions
{
    [Description("Plans of groups: group name to plan name. A user has the plans of all their groups besides their own; all are enforced, up to "
        + "eight for one request. Default: none.")]
    public IReadOnlyDictionary<string, string> GroupPlans { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    [Description("Whether answers carry RateLimit-Policy and RateLimit, which tell clients of rates before they are used up. Default: true.")]
    public bool RateLimitFields { get; init; } = true;
}
