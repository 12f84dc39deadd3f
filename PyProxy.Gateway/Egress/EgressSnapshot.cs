using System.Collections.Frozen;
using System.Net;
using PyProxy.Gateway.Egress.Profiles;

namespace PyProxy.Gateway.Egress;

/// <summary>The section, compiled: built whole from one configuration and swapped whole by <see cref="EgressRuntime"/>.</summary>
internal sealed class EgressSnapshot
{
    /// <summary>The profile that is always there: by <c>SourceAddress</c> and <c>Dns</c> of the section itself.</summary>
    public const string DirectName = "direct";

    public EgressSnapshot(EgressOptions options, IOwnListeners ownListeners, EgressProfile direct, IReadOnlyList<EgressProfile> profiles)
    {
        Direct = direct;
        Profiles = profiles.Append(direct).ToFrozenDictionary(static profile => profile.Name, StringComparer.OrdinalIgnoreCase);
        Default = options.DefaultProfile is { } name ? Profiles[name] : direct;
        Addresses = new AddressPolicy(Parse(options.AllowedAddresses), Parse(options.DeniedAddresses), ownListeners);
        ConnectPorts = new ConnectPortPolicy(options.ConnectPorts);
        HappyEyeballsDelay = options.HappyEyeballsDelay;
        Dns = options.Dns;
        Pool = new PoolKey(
            string.Join(' ', options.AllowedAddresses),
            string.Join(' ', options.DeniedAddresses),
            options.SourceAddress is { } source ? IPAddress.Parse(source) : null,
            options.ConnectTimeout,
            options.TlsTimeout,
            options.PooledConnectionLifetime,
            options.PooledConnectionIdleTimeout);
    }

    public AddressPolicy Addresses { get; }

    public ConnectPortPolicy ConnectPorts { get; }

    public TimeSpan ConnectTimeout => Pool.ConnectTimeout;

    public TimeSpan HappyEyeballsDelay { get; }

    public DnsOptions Dns { get; }

    public PoolKey Pool { get; }

    public EgressProfile Direct { get; }

    /// <summary>What holds where nobody names a profile.</summary>
    public EgressProfile Default { get; }

    /// <summary>All of them, <see cref="Direct"/> among them.</summary>
    public FrozenDictionary<string, EgressProfile> Profiles { get; }

    private static Cidr[] Parse(IReadOnlyList<string> ranges) => [.. ranges.Select(Cidr.Parse)];
}

/// <summary>Everything that a pool of connections is made under. Connections made under different keys never stand in one pool.</summary>
internal sealed record PoolKey(
    string AllowedAddresses,
    string DeniedAddresses,
    IPAddress? SourceAddress,
    TimeSpan ConnectTimeout,
    TimeSpan TlsTimeout,
    TimeSpan ConnectionLifetime,
    TimeSpan ConnectionIdleTimeout);
