using System.Buffers.Binary;
using System.Net;
using System.Numerics;

namespace PyProxy.Gateway.Listeners.ProxyProtocol;

/// <summary>Version 2, the binary header (section 2.2 of the specification).</summary>
internal static class ProxyProtocolV2
{
    private const int FixedLength = 16;
    private const int Inet4Length = 12;
    private const int Inet6Length = 36;
    private const int UnixLength = 216;

    /// <summary>
    /// How many bytes of TLVs are read past. AWS, Azure and HAProxy send well under 1 KB, a client certificate's subject included.
    /// </summary>
    private const int MaxTlvLength = 4096;

    public const int MaxLength = FixedLength + UnixLength + MaxTlvLength;

    private const int TlvHeaderLength = 3;
    private const byte TlvCrc32C = 0x03;
    private const int Crc32CLength = 4;

    public static ReadOnlySpan<byte> Signature => "\r\n\r\n\0\r\nQUIT\n"u8;

    /// <param name="received">Begins with <see cref="Signature"/>.</param>
    /// <param name="header">What a complete header conveys.</param>
    /// <param name="length">Length of a complete header.</param>
    public static ProxyProtocolParseStatus Parse(ReadOnlySpan<byte> received, out ProxyProtocolHeader header, out int length)
    {
        header = default;
        length = 0;
        if (received.Length < FixedLength)
        {
            return ProxyProtocolParseStatus.Incomplete;
        }

        // 1. Version, command, family, transport: judged before the rest has come.
        var command = received[12];
        var family = received[13];
        if (command is not (0x20 or 0x21) || family >> 4 > 3 || (family & 0xF) > 2)
        {
            return ProxyProtocolParseStatus.Malformed;
        }

        // 2. The announced length.
        var announced = BinaryPrimitives.ReadUInt16BigEndian(received[14..]);
        var addressLength = AddressLength(command, family);
        if (announced < addressLength)
        {
            return ProxyProtocolParseStatus.Malformed;
        }

        if (announced > addressLength + MaxTlvLength)
        {
            return ProxyProtocolParseStatus.Oversized;
        }

        if (received.Length < FixedLength + announced)
        {
            return ProxyProtocolParseStatus.Incomplete;
        }

        // 3. TLVs. What follows the header of a LOCAL or UNSPEC connection must be skipped unseen.
        var whole = received[..(FixedLength + announced)];
        if (addressLength > 0 && !AreTlvsIntact(whole, FixedLength + addressLength))
        {
            return ProxyProtocolParseStatus.Malformed;
        }

        // 4. Addresses.
        header = Addresses(command, family, whole[FixedLength..]);
        length = whole.Length;
        return ProxyProtocolParseStatus.Complete;
    }

    private static int AddressLength(byte command, byte family) => (command, family >> 4) switch
    {
        (0x20, _) => 0,
        (_, 1) => Inet4Length,
        (_, 2) => Inet6Length,
        (_, 3) => UnixLength,
        _ => 0,
    };

    private static ProxyProtocolHeader Addresses(byte command, byte family, ReadOnlySpan<byte> block) => (command, family) switch
    {
        (0x21, 0x11) => new ProxyProtocolHeader(
            new IPEndPoint(new IPAddress(block[..4]), BinaryPrimitives.ReadUInt16BigEndian(block[8..])),
            new IPEndPoint(new IPAddress(block[4..8]), BinaryPrimitives.ReadUInt16BigEndian(block[10..]))),
        (0x21, 0x21) => new ProxyProtocolHeader(
            new IPEndPoint(new IPAddress(block[..16]), BinaryPrimitives.ReadUInt16BigEndian(block[32..])),
            new IPEndPoint(new IPAddress(block[16..32]), BinaryPrimitives.ReadUInt16BigEndian(block[34..]))),
        _ => default, // LOCAL, UNSPEC, Unix, datagrams: nothing that is this TCP connection's client
    };

    /// <summary>TLVs fill the header exactly, and the checksum holds where there is one (section 2.2.3).</summary>
    private static bool AreTlvsIntact(ReadOnlySpan<byte> header, int offset)
    {
        while (offset < header.Length)
        {
            if (header.Length - offset < TlvHeaderLength)
            {
                return false;
            }

            var type = header[offset];
            var valueLength = BinaryPrimitives.ReadUInt16BigEndian(header[(offset + 1)..]);
            var value = offset + TlvHeaderLength;
            if (header.Length - value < valueLength)
            {
                return false;
            }

            if (type == TlvCrc32C && (valueLength != Crc32CLength || !IsChecksumRight(header, value)))
            {
                return false;
            }

            offset = value + valueLength;
        }

        return true;
    }

    private static bool IsChecksumRight(ReadOnlySpan<byte> header, int checksumOffset)
    {
        // Computed over the whole header with the checksum's own bytes taken as zero.
        var crc = Append(uint.MaxValue, header[..checksumOffset]);
        crc = BitOperations.Crc32C(crc, 0u);
        crc = Append(crc, header[(checksumOffset + Crc32CLength)..]);
        return ~crc == BinaryPrimitives.ReadUInt32BigEndian(header[checksumOffset..]);
    }

    private static uint Append(uint crc, ReadOnlySpan<byte> data)
    {
        foreach (var b in data)
        {
            crc = BitOperations.Crc32C(crc, b);
        }

        return crc;
    }
}
