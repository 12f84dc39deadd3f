using System.Net;

namespace PyProxy.Gateway.Egress;

/// <summary>The section, compiled: built whole from one configuration and swapped whole by <see cref="EgressRuntime"/>.</summary>
internal sealed class EgressSnapshot
{
    public EgressSnapshot(EgressOptions options, IOwnListeners ownListeners)
    {
        Addresses = new AddressPolicy(Parse(options.AllowedAddresses), Parse(options.DeniedAddresses), ownListeners);
        ConnectPorts = new ConnectPortPolicy(options.ConnectPorts);
        HappyEyeballsDelay = options.HappyEyeballsDelay;
        Dns = options.Dns;
        Pool = new PoolKey(
            string.Join(' ', options.AllowedAddresses),
            string.Join(' ', options.DeniedAddresses),
            options.SourceAddress is { } source ? IPAddress.Parse(source) : null,
            options.ConnectTimeout,
            options.PooledConnectionLifetime,
            options.PooledConnectionIdleTimeout);
    }

    public AddressPolicy Addresses { get; }

    public ConnectPortPolicy ConnectPorts { get; }

    public TimeSpan ConnectTimeout => Pool.ConnectTimeout;

    public TimeSpan HappyEyeballsDelay { get; }

    public DnsOptions Dns { get; }

    public IPAddress? SourceAddress => Pool.SourceAddress;

    public PoolKey Pool { get; }

    private static Cidr[] Parse(IReadOnlyList<string> ranges) => [.. ranges.Select(Cidr.Parse)];
}

/// <summary>Everything that a pool of connections is made under. Connections made under different keys never stand in one pool.</summary>
internal sealed record PoolKey(
    string AllowedAddresses,
    string DeniedAddresses,
    IPAddress? SourceAddress,
    TimeSpan ConnectTimeout,
    TimeSpan ConnectionLifetime,
    TimeSpan ConnectionIdleTimeout);
