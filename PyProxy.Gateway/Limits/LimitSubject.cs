using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Limits;

/// <summary>Whose permits are counted: the user's, or without one the client address's.</summary>
internal readonly record struct LimitSubject(string? User, UInt128 Address)
{
    public static LimitSubject Of(Exchange exchange)
        => exchange.User is { } user ? new LimitSubject(user, default) : new LimitSubject(User: null, NetworkOf(exchange.ClientAddress));

    /// <summary>The address itself for IPv4; for IPv6 its /64, of which one host can have every address.</summary>
    private static UInt128 NetworkOf(IPAddress? address)
    {
        if (address is null)
        {
            return default;
        }

        Span<byte> bytes = stackalloc byte[16];
        if (address.AddressFamily == AddressFamily.InterNetworkV6 && !address.IsIPv4MappedToIPv6)
        {
            address.TryWriteBytes(bytes, out _);
            bytes[8..].Clear();
        }
        else
        {
            address.MapToIPv6().TryWriteBytes(bytes, out _); // ::ffff:a.b.c.d cannot be mistaken for a /64, whose lower half is zero
        }

        return BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }
}
