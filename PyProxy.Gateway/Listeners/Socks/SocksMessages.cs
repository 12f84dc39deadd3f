using System.Buffers;
using System.Net;
using System.Text;
using System.Text.Unicode;

namespace PyProxy.Gateway.Listeners.Socks;

/// <summary>Version identifier and methods, RFC 1928 §3; of another version nothing but its number.</summary>
internal readonly record struct SocksGreeting(byte Version, bool OffersNoAuthentication, bool OffersUserPassword);

/// <summary>User name and password, RFC 1929 §2; <see langword="null"/> where they are not UTF-8.</summary>
internal readonly record struct SocksCredentials(byte Version, string? UserName, string? Password);

/// <summary>
/// A request, RFC 1928 §4. <paramref name="Host"/> is <see langword="null"/> for an unknown address type and for a name that is not UTF-8.
/// </summary>
internal readonly record struct SocksRequest(byte Version, byte Command, byte AddressType, string? Host, int Port);

/// <summary>
/// Reads the client's messages. Each method returns false while the message is incomplete; none can ask for more than the length bytes of
/// the message allow (257, 513 and 262 bytes).
/// </summary>
internal static class SocksMessages
{
    public const byte MethodNone = 0x00;
    public const byte MethodUserPassword = 0x02;
    public const byte NoAcceptableMethods = 0xFF;

    public const byte CommandConnect = 0x01;
    public const byte CommandBind = 0x02;
    public const byte CommandUdpAssociate = 0x03;

    public const byte AddressIPv4 = 0x01;
    public const byte AddressDomain = 0x03;
    public const byte AddressIPv6 = 0x04;

    public static bool TryReadGreeting(ref SequenceReader<byte> reader, out SocksGreeting greeting)
    {
        greeting = default;
        if (!reader.TryRead(out var version))
        {
            return false;
        }

        if (version != SocksVersions.Socks5)
        {
            greeting = new SocksGreeting(version, OffersNoAuthentication: false, OffersUserPassword: false);
            return true;
        }

        if (!TryReadPrefixed(ref reader, out var methods))
        {
            return false;
        }

        greeting = new SocksGreeting(version, Contains(methods, MethodNone), Contains(methods, MethodUserPassword));
        return true;
    }

    public static bool TryReadCredentials(ref SequenceReader<byte> reader, out SocksCredentials credentials)
    {
        credentials = default;
        if (!reader.TryRead(out var version))
        {
            return false;
        }

        if (version != SocksVersions.UserPassword)
        {
            credentials = new SocksCredentials(version, null, null);
            return true;
        }

        if (!TryReadPrefixed(ref reader, out var userName) || !TryReadPrefixed(ref reader, out var password))
        {
            return false;
        }

        credentials = new SocksCredentials(version, Text(userName), Text(password));
        return true;
    }

    public static bool TryReadRequest(ref SequenceReader<byte> reader, out SocksRequest request)
    {
        request = default;
        if (!reader.TryRead(out var version)
            || !reader.TryRead(out var command)
            || !reader.TryRead(out _) // reserved
            || !reader.TryRead(out var addressType))
        {
            return false;
        }

        string? host;
        switch (addressType)
        {
            case AddressIPv4 or AddressIPv6:
                if (!reader.TryReadExact(addressType == AddressIPv4 ? 4 : 16, out var address))
                {
                    return false;
                }

                host = new IPAddress(address.ToArray()).ToString();
                break;
            case AddressDomain:
                if (!TryReadPrefixed(ref reader, out var name))
                {
                    return false;
                }

                host = Text(name);
                break;
            default:
                // How long the address is, only its type could say.
                request = new SocksRequest(version, command, addressType, null, 0);
                return true;
        }

        if (!reader.TryRead(out var high) || !reader.TryRead(out var low))
        {
            return false;
        }

        request = new SocksRequest(version, command, addressType, host, (high << 8) | low);
        return true;
    }

    private static bool TryReadPrefixed(ref SequenceReader<byte> reader, out ReadOnlySequence<byte> value)
    {
        value = default;
        return reader.TryRead(out var length) && reader.TryReadExact(length, out value);
    }

    private static bool Contains(in ReadOnlySequence<byte> methods, byte method) => methods.PositionOf(method) is not null;

    private static string? Text(in ReadOnlySequence<byte> bytes)
    {
        Span<byte> copy = stackalloc byte[byte.MaxValue];
        copy = copy[..(int)bytes.Length];
        bytes.CopyTo(copy);
        return Utf8.IsValid(copy) ? Encoding.UTF8.GetString(copy) : null;
    }
}
