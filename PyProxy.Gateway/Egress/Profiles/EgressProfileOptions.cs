using System.ComponentModel;
using PyProxy.Gateway.Egress.Names;
using PyProxy.Gateway.Egress.Upstreams;

namespace PyProxy.Gateway.Egress.Profiles;

/// <summary>By what a profile's next source address is chosen.</summary>
internal enum SourceSelection
{
    /// <summary>One after the other.</summary>
    RoundRobin = 0,

    /// <summary>Any.</summary>
    Random,

    /// <summary>The same one for the same user, on every gateway and after a restart.</summary>
    StickyPerUser,

    /// <summary>The same one for the same host.</summary>
    StickyPerTarget,
}

/// <summary>Which addresses of a name are dialed, and which first.</summary>
internal enum FamilyPreference
{
    /// <summary>In the order that the resolver gives.</summary>
    Any = 0,

    /// <summary>IPv4 first, IPv6 where that fails.</summary>
    PreferIPv4,

    /// <summary>IPv6 first, IPv4 where that fails.</summary>
    PreferIPv6,

    /// <summary>IPv4 alone.</summary>
    OnlyIPv4,

    /// <summary>IPv6 alone.</summary>
    OnlyIPv6,
}

/// <summary>One of <c>Gateway:Egress:Profiles</c>: a way out that users, plans, rules and clusters may name.</summary>
internal sealed class EgressProfileOptions
{
    [Description("Local addresses that connections leave from, at most 256; only destinations of their address families can be reached then. "
        + "Default: the operating system chooses.")]
    public IReadOnlyList<string> SourceAddresses { get; init; } = [];

    [Description("Which of SourceAddresses an exchange leaves from: RoundRobin, Random, StickyPerUser (without a user by client address), StickyPerTarget. "
        + "Default: RoundRobin.")]
    public SourceSelection SourceSelection { get; init; }

    [Description("Which addresses of a name are used: Any (as the resolver orders them), PreferIPv4, PreferIPv6, OnlyIPv4, OnlyIPv6. Default: Any.")]
    public FamilyPreference AddressFamily { get; init; }

    [Description("How this profile resolves names. Default: like Gateway:Egress:Dns.")]
    public ProfileDnsOptions? Dns { get; init; }

    [Description("Upstream proxies (parents) that everything under this profile goes through. Default: none, destinations are dialed directly.")]
    public UpstreamPoolOptions? Upstreams { get; init; }
}
