using System.Collections.Frozen;
using System.Net;
using System.Net.NetworkInformation;
using PyProxy.Gateway.Egress;

namespace PyProxy.Gateway.Listeners.Endpoints;

/// <summary>The listeners of this process, as the dialer asks about them.</summary>
internal sealed class OwnListeners(ListenerRegistry registry, TimeProvider timeProvider) : IOwnListeners
{
    /// <summary>Listing the interfaces takes a millisecond; addresses come and go far more rarely than requests.</summary>
    private static readonly TimeSpan RefreshInterval = TimeSpan.FromSeconds(10);

    private volatile LocalAddresses? _local;

    public bool Contains(IPEndPoint endPoint)
    {
        foreach (var listener in registry.Listeners)
        {
            if (listener.EndPoint is { } own && own.Port == endPoint.Port && Owns(listener, own.Address, endPoint.Address))
            {
                return true;
            }
        }

        return false;
    }

    private bool Owns(Listener listener, IPAddress own, IPAddress asked)
    {
        if (listener.IsLocalhost)
        {
            return IPAddress.IsLoopback(asked);
        }

        if (own.Equals(IPAddress.Any) || own.Equals(IPAddress.IPv6Any))
        {
            // To connect to the unspecified address is to connect to loopback.
            return IPAddress.IsLoopback(asked) || asked.Equals(IPAddress.Any) || asked.Equals(IPAddress.IPv6Any)
                || Local().Contains(asked);
        }

        // A scope id says through which interface, not to whom.
        return WithoutScope(own).Equals(WithoutScope(asked))
            || (IPAddress.IsLoopback(own) && (asked.Equals(IPAddress.Any) || asked.Equals(IPAddress.IPv6Any)));
    }

    private LocalAddresses Local()
    {
        var local = _local;
        if (local is null || timeProvider.GetElapsedTime(local.ReadAt) >= RefreshInterval)
        {
            _local = local = new LocalAddresses(timeProvider.GetTimestamp());
        }

        return local;
    }

    private static IPAddress WithoutScope(IPAddress address)
        => address.IsIPv6LinkLocal && address.ScopeId != 0 ? new IPAddress(address.GetAddressBytes())
            : address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    private sealed class LocalAddresses(long readAt)
    {
        private readonly FrozenSet<IPAddress> _addresses = NetworkInterface.GetAllNetworkInterfaces()
            .SelectMany(i => i.GetIPProperties().UnicastAddresses)
            .Select(a => WithoutScope(a.Address))
            .ToFrozenSet();

        public long ReadAt { get; } = readAt;

        public bool Contains(IPAddress address) => _addresses.Contains(WithoutScope(address));
    }
}
