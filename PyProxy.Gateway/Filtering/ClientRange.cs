using System.Net;

namespace PyProxy.Gateway.Filtering;

/// <summary>Client addresses in a rule: a CIDR range, or one address.</summary>
internal static class ClientRange
{
    public static bool TryParse(string text, out IPNetwork range)
    {
        if (text.Contains('/', StringComparison.Ordinal))
        {
            return IPNetwork.TryParse(text, out range);
        }

        range = default;
        if (!IPAddress.TryParse(text, out var address))
        {
            return false;
        }

        address = Unmap(address);
        range = new IPNetwork(address, address.GetAddressBytes().Length * 8);
        return true;
    }

    /// <summary>A dual-stack socket shows IPv4 clients as ::ffff:a.b.c.d; rules speak of a.b.c.d.</summary>
    public static IPAddress Unmap(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
}
