using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace PyProxy.Gateway.Egress;

/// <summary>An address range. IPv4 and its IPv4-mapped IPv6 spelling are one and the same, in ranges and in the addresses asked about.</summary>
internal readonly record struct Cidr
{
    private const int MappedPrefixLength = 96;

    private readonly IPNetwork _network;

    private Cidr(IPNetwork network) => _network = network;

    public IPAddress BaseAddress => _network.BaseAddress;

    public int PrefixLength => _network.PrefixLength;

    /// <summary>Parses <c>10.2.0.0/16</c>, <c>fd00::/8</c>, or a single address. Bits behind the prefix have to be zero.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out Cidr result)
    {
        result = default;
        if (string.IsNullOrEmpty(text) || text.Contains('%', StringComparison.Ordinal))
        {
            return false;
        }

        var slash = text.IndexOf('/', StringComparison.Ordinal);
        var addressText = slash < 0 ? text : text[..slash];
        if (!IPAddress.TryParse(addressText, out var address) || !IsWrittenOut(addressText, address))
        {
            return false;
        }

        var bits = address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;
        var length = bits;
        if (slash >= 0
            && (!int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out length) || length > bits))
        {
            return false;
        }

        var network = new IPNetwork(address, length);
        if (!network.BaseAddress.Equals(address))
        {
            return false; // IPNetwork drops the bits behind the prefix; somebody who wrote them may have meant another prefix
        }

        result = new Cidr(Unmap(network));
        return true;
    }

    /// <exception cref="FormatException">The text is no range; a validator should have said so before.</exception>
    public static Cidr Parse(string text)
        => TryParse(text, out var result) ? result : throw new FormatException($"\"{text}\" is not an address range.");

    public bool Contains(IPAddress address) => _network.Contains(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address);

    public override string ToString() => _network.ToString();

    // .NET also reads 10.1 or 0x0a000001 as addresses; in a range they would more likely be a slip than meant.
    private static bool IsWrittenOut(string text, IPAddress address)
        => address.AddressFamily == AddressFamily.InterNetworkV6 || text == address.ToString();

    private static IPNetwork Unmap(IPNetwork network)
        => network.BaseAddress.IsIPv4MappedToIPv6 && network.PrefixLength >= MappedPrefixLength
            ? new IPNetwork(network.BaseAddress.MapToIPv4(), network.PrefixLength - MappedPrefixLength)
            : network;
}
