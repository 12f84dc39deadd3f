using System.ComponentModel;

namespace PyProxy.Gateway.Egress.Upstreams;

/// <summary>By what the upstream proxy of an exchange is chosen.</summary>
internal enum UpstreamSelection
{
    /// <summary>One after the other.</summary>
    RoundRobin = 0,

    /// <summary>The one with the fewest requests and tunnels for its weight.</summary>
    LeastConnections,

    /// <summary>By weight, spread evenly.</summary>
    Weighted,

    /// <summary>The same one for the same user.</summary>
    StickyPerUser,

    /// <summary>The same one for the same host.</summary>
    StickyPerTarget,

    /// <summary>The same one for the same user and host.</summary>
    StickyPerUserAndTarget,
}

/// <summary>What happens while every upstream proxy of a pool is out.</summary>
internal enum WhenAllOut
{
    /// <summary>They are tried as if none were.</summary>
    Try = 0,

    /// <summary>Exchanges are refused at once.</summary>
    Refuse,
}

/// <summary>A pool of upstream proxies.</summary>
internal sealed class UpstreamPoolOptions
{
    [Description("The upstream proxies by name. Names stand in logs, metrics and the next-hop parameter of Proxy-Status: letters, digits, '-', '_', '.'. 1 to 1000. Required.")]
    public IReadOnlyDictionary<string, UpstreamProxyOptions> Proxies { get; init; } =
        new Dictionary<string, UpstreamProxyOptions>(StringComparer.OrdinalIgnoreCase);

    [Description("RoundRobin, LeastConnections, Weighted, StickyPerUser (without a user by client address), StickyPerTarget, StickyPerUserAndTarget. Default: RoundRobin.")]
    public UpstreamSelection Selection { get; init; }

    [Description("How long connecting to an upstream proxy may take, with TLS and the SOCKS greeting, before it counts as failed and another one is tried. "
        + "00:00:00.050 to 00:01:00, default 00:00:02.")]
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(2);

    [Description("How many upstream proxies are tried for one exchange. 1 to 10, default 3.")]
    public int MaxAttempts { get; init; } = 3;

    [Description("After how many failures in a row, of traffic or of checks, an upstream proxy is taken out. 1 to 100, default 3.")]
    public int FailuresToEject { get; init; } = 3;

    [Description("How long failures of traffic take it out; doubled each time that it fails again at its return. 00:00:00.100 to 01:00:00, default 00:00:10.")]
    public TimeSpan EjectionTime { get; init; } = TimeSpan.FromSeconds(10);

    [Description("Upper bound of that time. At least EjectionTime, at most 1.00:00:00, default 00:05:00.")]
    public TimeSpan MaxEjectionTime { get; init; } = TimeSpan.FromMinutes(5);

    [Description("While all are out: Try (they are tried as if none were) or Refuse (503 at once). Default: Try.")]
    public WhenAllOut WhenAllOut { get; init; }

    [Description("Checks beside the traffic.")]
    public UpstreamCheckOptions HealthCheck { get; init; } = new();

    [Description("PEM file with the authorities that may have issued the certificates of https upstream proxies; relative paths are below the working directory. "
        + "Default: the system's.")]
    public string? AuthoritiesFile { get; init; }
}

/// <summary>Checks of a pool's upstream proxies.</summary>
internal sealed class UpstreamCheckOptions
{
    [Description("Time between two checks of the same upstream proxy, with jitter; 00:00:00 = no checks. Otherwise 00:00:00.100 to 01:00:00, default 00:00:10.")]
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(10);

    [Description("How long one check may take. 00:00:00.050 to 00:01:00, default 00:00:03.")]
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(3);

    [Description("Host and port that a check has each upstream proxy open a tunnel to, which also proves credentials. "
        + "Default: none, a check connects (with TLS, and for SOCKS5 with the greeting and the credentials).")]
    public string? Target { get; init; }
}

/// <summary>One upstream proxy.</summary>
internal sealed class UpstreamProxyOptions
{
    [Description("http://host:port, https://host:port or socks5://host:port, without user information. Ports by default: 3128 for http, 443 for https, 1080 for socks5. Required.")]
    public string Address { get; init; } = "";

    [Description("Name that the gateway gives to the upstream proxy (Basic, or SOCKS5's name and password). Default: none.")]
    public string? User { get; init; }

    [Description("Password to User. Best set by an environment variable or a mounted file.")]
    public string? Password { get; init; }

    [Description("Share of the traffic under Weighted, and what LeastConnections and the sticky selections count against. 1 to 1000, default 1.")]
    public int Weight { get; init; } = 1;

    [Description("true hands names to the upstream proxy, which then resolves them itself: the address policy and rules about addresses cannot see the answers. "
        + "false resolves and vets here and hands over an address. Default: false.")]
    public bool TrustedToResolve { get; init; }
}
