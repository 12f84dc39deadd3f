using System.Net;

namespace PyProxy.Gateway.Egress;

/// <summary>
/// Decides which addresses may be dialed. It judges addresses, never names: a name is whatever its owner's name server says at the moment.
/// </summary>
internal sealed class AddressPolicy(IReadOnlyList<Cidr> allowed, IReadOnlyList<Cidr> denied, IOwnListeners ownListeners)
{
    /// <param name="endPoint">The end point that would be dialed.</param>
    /// <param name="purpose">On whose word.</param>
    public AddressVerdict Judge(IPEndPoint endPoint, DialPurpose purpose)
    {
        if (purpose is DialPurpose.Configured or DialPurpose.Download)
        {
            return new AddressVerdict(AddressReason.Configured);
        }

        var address = endPoint.Address;
        if (purpose == DialPurpose.Upstream)
        {
            var plain = address.IsIPv4MappedToIPv6 ? new IPEndPoint(address.MapToIPv4(), endPoint.Port) : endPoint;
            return new AddressVerdict(ownListeners.Contains(plain) ? AddressReason.OwnListener : AddressReason.Configured);
        }

        return new AddressVerdict(address.IsIPv4MappedToIPv6
            ? Judge(new IPEndPoint(address.MapToIPv4(), endPoint.Port))
            : Judge(endPoint));
    }

    private AddressReason Judge(IPEndPoint endPoint)
    {
        // 1. The gateway itself: no setting opens that.
        if (ownListeners.Contains(endPoint))
        {
            return AddressReason.OwnListener;
        }

        // 2. What the operator allows, before everything that is denied by what it is.
        if (Contains(allowed, endPoint.Address))
        {
            return AddressReason.AllowedRange;
        }

        // 3. What the operator denies.
        if (Contains(denied, endPoint.Address))
        {
            return AddressReason.DeniedRange;
        }

        // 4. An IPv4 address in IPv6 clothes is judged as what it is, by all the rules above and below.
        return SpecialAddresses.TryGetEmbedded(endPoint.Address, out var embedded)
            ? Judge(new IPEndPoint(embedded, endPoint.Port))

            // 5. Everything that is no public destination.
            : SpecialAddresses.Classify(endPoint.Address);
    }

    private static bool Contains(IReadOnlyList<Cidr> ranges, IPAddress address)
    {
        for (var i = 0; i < ranges.Count; i++)
        {
            if (ranges[i].Contains(address))
            {
                return true;
            }
        }

        return false;
    }
}
