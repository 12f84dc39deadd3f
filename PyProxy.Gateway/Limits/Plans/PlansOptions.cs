using System.ComponentModel;

namespace PyProxy.Gateway.Limits.Plans;

/// <summary>The section <c>Gateway:Plans</c>: plans by name; names are not case-sensitive, like every configuration key.</summary>
internal sealed class PlansOptions() : Dictionary<string, PlanOptions>(StringComparer.OrdinalIgnoreCase);

/// <summary>One plan: limits that apply together to whoever has it.</summary>
internal sealed class PlanOptions
{
    [Description("Request rates, all enforced at once: \"20/s\", \"20/s burst 100\", \"5000/h sliding-window\", \"100/10s per user+host\". Units s, m, h, d, "
        + "up to 31 days; 1 to 1000000000. Algorithms: token-bucket (default; without a burst as many may come at once as the rate has per window), "
        + "sliding-window, fixed-window. Keys: user (default; without a user the client address, IPv6 by /64), address, route, host, "
        + "a combination, everyone. Default: none.")]
    public IReadOnlyList<string> Rates { get; init; } = [];

    [Description("Requests at once; tunnels are among them where Tunnels is not set. 1 to 1000000. Default: no limit.")]
    public int? Concurrency { get; init; }

    [Description("Tunnels (CONNECT, SOCKS5) at once. 1 to 1000000. Default: no limit of their own.")]
    public int? Tunnels { get; init; }

    [Description("Whose requests and tunnels Concurrency and Tunnels count together: user, address, route, host, a combination such as user+host, "
        + "or everyone. Default: user.")]
    public string? ConcurrencyPer { get; init; }

    [Description("Bytes per second, over all connections together. Default: no limit.")]
    public BandwidthOptions? Bandwidth { get; init; }

    [Description("Amounts for calendar periods: \"200GB/month\", \"100000 requests/day\"; behind it as needed \"start 15\" or \"start Sunday\", "
        + "\"zone Europe/Berlin\" (default UTC), and \"then refuse\" (default), \"then cut\" or \"then slow 128KB/s\". Default: none.")]
    public IReadOnlyList<string> Quotas { get; init; } = [];

    [Description("Name of the profile in Gateway:Egress:Profiles by which forward requests and tunnels under this plan leave, unless a rule or the user has another. "
        + "Default: none.")]
    public string? EgressProfile { get; init; }
}

/// <summary>How many bytes per second a plan allows, per direction.</summary>
internal sealed class BandwidthOptions
{
    [Description("To the client: \"10MB/s\", \"10MB/s burst 20MB per user\". Units B, KB, MB, GB, TB (thousands), KiB, MiB, GiB, TiB; from 1KB/s. "
        + "Burst: a tenth of a second's worth by default. Default: no limit.")]
    public string? Down { get; init; }

    [Description("From the client; written like Down. Default: no limit.")]
    public string? Up { get; init; }
}
