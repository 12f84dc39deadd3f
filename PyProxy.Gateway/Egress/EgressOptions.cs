using System.ComponentModel;
using PyProxy.Gateway.Egress.Profiles;

namespace PyProxy.Gateway.Egress;

/// <summary>The section <c>Gateway:Egress</c>: how the gateway opens connections to destinations.</summary>
internal sealed class EgressOptions
{
    public const string SectionPath = "Gateway:Egress";

    /// <summary>The setting that an address refusal names.</summary>
    public const string AllowedAddressesSetting = SectionPath + ":" + nameof(AllowedAddresses);

    public const string DeniedAddressesSetting = SectionPath + ":" + nameof(DeniedAddresses);

    public const string ConnectPortsSetting = SectionPath + ":" + nameof(ConnectPorts);

    public const string ProfilesSetting = SectionPath + ":" + nameof(Profiles);

    public const string SourceAddressSetting = SectionPath + ":" + nameof(SourceAddress);

    [Description("Address ranges (CIDR, or single addresses) that clients of forward roles may reach although they are loopback, private, "
        + "link-local or otherwise not public. An entry here wins over DeniedAddresses. The gateway's own listeners stay out of reach. Default: none.")]
    public IReadOnlyList<string> AllowedAddresses { get; init; } = [];

    [Description("Address ranges (CIDR, or single addresses) that clients of forward roles may not reach, beyond the non-public ones that are denied anyway. "
        + "Default: none.")]
    public IReadOnlyList<string> DeniedAddresses { get; init; } = [];

    // No default value here: the configuration binder would append to it, and a list could only grow.
    [Description("Ports that CONNECT and SOCKS may tunnel to: 1 to 65535, or \"*\" for any. Default: 443, 80, 8080, 8443. An empty list allows none.")]
    public IReadOnlyList<string>? ConnectPorts { get; init; }

    [Description("How long resolving and connecting to one destination may take in all, retries included. 00:00:00.100 to 00:10:00, default 00:00:10.")]
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    [Description("Time for the TLS handshake with an HTTPS destination on top of ConnectTimeout: connecting and the handshake together may take both. "
        + "(TLS inside a tunnel is the client's own; that with an upstream proxy counts to its ConnectTimeout.) 00:00:00.100 to 00:10:00, default 00:00:10.")]
    public TimeSpan TlsTimeout { get; init; } = TimeSpan.FromSeconds(10); // Kestrel's own for the other side

    [Description("How long one address of a destination has for itself before the next one is tried beside it (RFC 8305 section 5). "
        + "00:00:00.010 to 00:00:02, default 00:00:00.250.")]
    public TimeSpan HappyEyeballsDelay { get; init; } = TimeSpan.FromMilliseconds(250);

    [Description("Local address that connections to destinations leave from; only destinations of its address family can be reached then. "
        + "Default: the operating system chooses.")]
    public string? SourceAddress { get; init; }

    [Description("Name of the profile by which forward requests and tunnels leave that neither a rule nor their user nor a plan gives another. "
        + "Default: none, they leave directly, by SourceAddress and Dns above.")]
    public string? DefaultProfile { get; init; }

    [Description("Ways out by name, for users, plans, rules and the metadata \"EgressProfile\" of clusters. The name direct is taken: it always means directly. "
        + "Default: none.")]
    public IReadOnlyDictionary<string, EgressProfileOptions> Profiles { get; init; } =
        new Dictionary<string, EgressProfileOptions>(StringComparer.OrdinalIgnoreCase);

    [Description("How long a pooled connection to an HTTP destination is used before a new one, to an address resolved anew, takes its place. "
        + "00:00:01 to 1.00:00:00, default 00:05:00.")]
    public TimeSpan PooledConnectionLifetime { get; init; } = TimeSpan.FromMinutes(5);

    [Description("How long a pooled connection to an HTTP destination is kept without a request. 00:00:01 to 01:00:00, default 00:01:00.")]
    public TimeSpan PooledConnectionIdleTimeout { get; init; } = TimeSpan.FromMinutes(1);

    [Description("How names of destinations are resolved.")]
    public DnsOptions Dns { get; init; } = new();
}

/// <summary>The section <c>Gateway:Egress:Dns</c>.</summary>
internal sealed class DnsOptions
{
    [Description("How long the addresses of a name are remembered; the system's resolver does not tell how long they hold. "
        + "00:00:00 (not at all) to 01:00:00, default 00:00:30.")]
    public TimeSpan CacheDuration { get; init; } = TimeSpan.FromSeconds(30);

    [Description("How long it is remembered that a name does not exist. 00:00:00 (not at all) to 00:05:00, default 00:00:05.")]
    public TimeSpan NegativeCacheDuration { get; init; } = TimeSpan.FromSeconds(5);

    [Description("How many names are remembered; beyond that the least recently used is forgotten. 1 to 1000000, default 10000.")]
    public int CacheSize { get; init; } = 10_000;

    [Description("How long a lookup may take. 00:00:00.100 to 00:01:00, default 00:00:05.")]
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(5);
}
