using System.ComponentModel;

namespace PyProxy.Gateway.Egress.Names;

/// <summary>Over what name servers are asked.</summary>
internal enum DnsTransport
{
    /// <summary>UDP, and TCP for answers that do not fit.</summary>
    Udp = 0,

    /// <summary>TCP alone.</summary>
    Tcp,
}

/// <summary>Name servers and static hosts of one egress profile.</summary>
internal sealed class ProfileDnsOptions
{
    [Description("Name servers, asked in this order, the next one where one does not answer: addresses with or without a port (10.0.0.53, 10.0.0.53:5353, [fd00::53]:53). "
        + "At most 8. Default: none, the system's resolver is asked.")]
    public IReadOnlyList<string> Servers { get; init; } = [];

    [Description("Udp (TCP for answers that do not fit) or Tcp. Default: Udp.")]
    public DnsTransport Transport { get; init; }

    [Description("How long one name server may take before the next one is asked. 00:00:00.050 to 00:00:30, default 00:00:01.")]
    public TimeSpan ServerTimeout { get; init; } = TimeSpan.FromSeconds(1);

    [Description("How long a lookup may take in all. 00:00:00.100 to 00:01:00, default 00:00:05.")]
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(5);

    [Description("Least time that an answer is remembered, however short it says. 00:00:00 to 01:00:00, default 00:00:01.")]
    public TimeSpan MinimumTtl { get; init; } = TimeSpan.FromSeconds(1);

    [Description("Most time that an answer is remembered, however long it says; without Servers, where answers tell no time, at most 30 seconds. "
        + "00:00:00 to 1.00:00:00, default 01:00:00.")]
    public TimeSpan MaximumTtl { get; init; } = TimeSpan.FromHours(1);

    [Description("How long it is remembered that a name does not exist. 00:00:00 (not at all) to 00:05:00, default 00:00:05.")]
    public TimeSpan NegativeTtl { get; init; } = TimeSpan.FromSeconds(5);

    [Description("How many names are remembered; beyond that the least recently used is forgotten. 1 to 1000000, default 10000.")]
    public int CacheSize { get; init; } = 10_000;

    [Description("Addresses of names that no name server is asked for; vetted like any answer. Default: none.")]
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Hosts { get; init; } =
        new Dictionary<string, IReadOnlyList<string>>(StringComparer.OrdinalIgnoreCase);
}
