using System.ComponentModel;
using PyProxy.Gateway.Limits.Redis;

namespace PyProxy.Gateway.Limits;

/// <summary>The section <c>Gateway:Limits</c>: what holds for everybody, whatever their plans.</summary>
internal sealed class LimitsOptions
{
    [Description("Plans of groups: group name to plan name. A user has the plans of all their groups besides their own; all are enforced, up to "
        + "eight for one request. Default: none.")]
    public IReadOnlyDictionary<string, string> GroupPlans { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    [Description("Whether answers carry RateLimit-Policy and RateLimit, which tell clients of rates before they are used up. Default: true.")]
    public bool RateLimitFields { get; init; } = true;

    [Description("What holds while Redis is away: Local (each gateway enforces its own share: the limit divided by the number of gateways), Open (shared "
        + "limits are not enforced) or Closed (whatever is under a limit is refused). Default: Local.")]
    public RedisAwayMode RedisAway { get; init; }

    [Description("Number of gateways that share limits, for each one's share while Redis is away. 1 to 1000. Default: as many as were there when Redis "
        + "last answered; 1 where it has not answered since the start.")]
    public int? Gateways { get; init; }
}
