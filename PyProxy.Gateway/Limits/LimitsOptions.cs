using System.ComponentModel;
using PyProxy.Gateway.Limits.Overload.Machine;
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

    [Description("What happens when there is more work than the gateway is to do at once.")]
    public OverloadOptions Overload { get; init; } = new();

    [Description("What one client address (IPv6 by /64) may do before it is known who it is.")]
    public ClientLimitsOptions Clients { get; init; } = new();
}

/// <summary>The gateway's own concurrency limit.</summary>
internal sealed class OverloadOptions
{
    [Description("Requests that are worked on at once, over all users; established tunnels are not counted. 1 to 1000000. Default: 10000.")]
    public int MaxConcurrency { get; init; } = 10_000;

    [Description("Requests of one user (without a user: of one client address) that may wait for a place. 0 to 1000000. Default: 10000.")]
    public int QueuePerUser { get; init; } = 10_000;

    [Description("Requests that may wait for a place in all. 0 to 1000000. Default: 20000.")]
    public int QueueLength { get; init; } = 20_000;

    [Description("How long a request may wait for a place before it is refused with 503, from 00:00:00.1 to 00:01:00. Default: 00:00:05.")]
    public TimeSpan QueueTimeout { get; init; } = TimeSpan.FromSeconds(5);

    [Description("When the machine itself has too much to do.")]
    public MachineOptions Machine { get; init; } = new();
}

/// <summary>Limits per client address, before authentication. Addresses of Gateway:Listeners:TrustedProxies are exempt from those on connections.</summary>
internal sealed class ClientLimitsOptions
{
    [Description("Connections of one address at once, over all endpoints but those of the Admin role; more are closed at once. 1 to 1000000. Default: no limit.")]
    public int? Connections { get; init; }

    [Description("New connections of one address, each of which is a TCP, TLS or SOCKS handshake; more are closed before it: \"50/s burst 200\", "
        + "written like a plan's rates, without a key. Default: none.")]
    public IReadOnlyList<string> Handshakes { get; init; } = [];

    [Description("Requests of one address, counted before anybody knows whose they are: \"200/s burst 1000\", written like a plan's rates, without a "
        + "key; more get 429. Default: none.")]
    public IReadOnlyList<string> Requests { get; init; } = [];
}
