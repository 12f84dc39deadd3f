using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;

namespace PyProxy.Gateway.Egress;

/// <summary>
/// What the IANA special-purpose address registries (RFC 6890 and its updates) say of an address: the kinds that are no public destination,
/// and the IPv6 forms that carry an IPv4 address inside.
/// </summary>
internal static class SpecialAddresses
{
    private static readonly (Cidr Range, AddressReason Reason)[] IPv4 =
    [
        (Cidr.Parse("127.0.0.0/8"), AddressReason.Loopback),
        (Cidr.Parse("10.0.0.0/8"), AddressReason.Private),
        (Cidr.Parse("172.16.0.0/12"), AddressReason.Private),
        (Cidr.Parse("192.168.0.0/16"), AddressReason.Private),
        (Cidr.Parse("169.254.0.0/16"), AddressReason.LinkLocal),
        (Cidr.Parse("100.64.0.0/10"), AddressReason.SharedAddressSpace),
        (Cidr.Parse("0.0.0.0/8"), AddressReason.SpecialPurpose),       // "this network"; Linux connects 0.0.0.0 to loopback
        (Cidr.Parse("192.0.0.0/24"), AddressReason.SpecialPurpose),    // IETF protocol assignments; 192.0.0.192 is a cloud's metadata service
        (Cidr.Parse("192.0.2.0/24"), AddressReason.SpecialPurpose),    // documentation
        (Cidr.Parse("192.88.99.0/24"), AddressReason.SpecialPurpose),  // 6to4 relay anycast, deprecated
        (Cidr.Parse("198.18.0.0/15"), AddressReason.SpecialPurpose),   // benchmarking
        (Cidr.Parse("198.51.100.0/24"), AddressReason.SpecialPurpose), // documentation
        (Cidr.Parse("203.0.113.0/24"), AddressReason.SpecialPurpose),  // documentation
        (Cidr.Parse("224.0.0.0/4"), AddressReason.Multicast),
        (Cidr.Parse("240.0.0.0/4"), AddressReason.SpecialPurpose),     // reserved, and the limited broadcast
    ];

    private static readonly (Cidr Range, AddressReason Reason)[] IPv6 =
    [
        (Cidr.Parse("::1/128"), AddressReason.Loopback),
        (Cidr.Parse("fc00::/7"), AddressReason.Private),
        (Cidr.Parse("fe80::/10"), AddressReason.LinkLocal),
        (Cidr.Parse("fec0::/10"), AddressReason.Private),              // site-local, deprecated by RFC 3879, still routed here and there
        (Cidr.Parse("ff00::/8"), AddressReason.Multicast),
        (Cidr.Parse("2001::/23"), AddressReason.SpecialPurpose),       // IETF protocol assignments: benchmarking, ORCHID, …
        (Cidr.Parse("2001:db8::/32"), AddressReason.SpecialPurpose),   // documentation
        (Cidr.Parse("3fff::/20"), AddressReason.SpecialPurpose),       // documentation
    ];

    private static readonly Cidr GlobalUnicast = Cidr.Parse("2000::/3");
    private static readonly Cidr Nat64 = Cidr.Parse("64:ff9b::/96");
    private static readonly Cidr Compatible = Cidr.Parse("::/96");
    private static readonly Cidr SixToFour = Cidr.Parse("2002::/16");
    private static readonly Cidr Teredo = Cidr.Parse("2001::/32");

    /// <summary><see cref="AddressReason.Public"/>, or what else an address without an IPv4 address inside is.</summary>
    public static AddressReason Classify(IPAddress address)
    {
        var isIPv4 = address.AddressFamily == AddressFamily.InterNetwork;
        foreach (var (range, reason) in isIPv4 ? IPv4 : IPv6)
        {
            if (range.Contains(address))
            {
                return reason;
            }
        }

        // IPv6 hands out 2000::/3 only; everything else is reserved, 64:ff9b:1::/48 (RFC 8215: translation inside one network) among it.
        return isIPv4 || GlobalUnicast.Contains(address) ? AddressReason.Public : AddressReason.SpecialPurpose;
    }

    /// <summary>The IPv4 address that a packet to this IPv6 address would end at, where the address embeds one.</summary>
    /// <param name="address">Not IPv4-mapped.</param>
    /// <param name="embedded">The IPv4 address.</param>
    public static bool TryGetEmbedded(IPAddress address, [NotNullWhen(true)] out IPAddress? embedded)
    {
        embedded = null;
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return false;
        }

        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        if (Nat64.Contains(address) || (Compatible.Contains(address) && !IsUnspecifiedOrLoopback(bytes)))
        {
            embedded = new IPAddress(bytes[12..]); // RFC 6052 §2.2, RFC 4291 §2.5.5.1
        }
        else if (SixToFour.Contains(address))
        {
            embedded = new IPAddress(bytes.Slice(2, 4)); // RFC 3056 §2
        }
        else if (Teredo.Contains(address))
        {
            Span<byte> client = stackalloc byte[4]; // RFC 4380 §4: the client's address with all bits inverted
            BinaryPrimitives.WriteUInt32BigEndian(client, ~BinaryPrimitives.ReadUInt32BigEndian(bytes[12..]));
            embedded = new IPAddress(client);
        }

        return embedded is not null;
    }

    private static bool IsUnspecifiedOrLoopback(ReadOnlySpan<byte> bytes)
        => !bytes[..15].ContainsAnyExcept((byte)0) && bytes[15] <= 1;
}
