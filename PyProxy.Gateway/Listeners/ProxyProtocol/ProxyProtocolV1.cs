using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace PyProxy.Gateway.Listeners.ProxyProtocol;

/// <summary>
/// Version 1, the line of text: <c>PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n</c> (section 2.1 of the specification).
/// </summary>
internal static class ProxyProtocolV1
{
    /// <summary>The longest line, CRLF included: <c>PROXY UNKNOWN</c> with two full IPv6 addresses (section 2.1).</summary>
    public const int MaxLength = 107;

    private const int Fields = 5;

    public static ReadOnlySpan<byte> Signature => "PROXY "u8;

    /// <param name="received">Begins with <see cref="Signature"/>.</param>
    /// <param name="header">What a complete header conveys.</param>
    /// <param name="length">Length of a complete header.</param>
    public static ProxyProtocolParseStatus Parse(ReadOnlySpan<byte> received, out ProxyProtocolHeader header, out int length)
    {
        header = default;
        length = 0;
        var window = received.Length > MaxLength ? received[..MaxLength] : received;
        var lineFeed = window.IndexOf((byte)'\n');
        if (lineFeed < 0)
        {
            return received.Length >= MaxLength ? ProxyProtocolParseStatus.Oversized : ProxyProtocolParseStatus.Incomplete;
        }

        if (window[lineFeed - 1] != '\r')
        {
            return ProxyProtocolParseStatus.Malformed;
        }

        if (!TryParseLine(window[Signature.Length..(lineFeed - 1)], out header))
        {
            return ProxyProtocolParseStatus.Malformed;
        }

        length = lineFeed + 1;
        return ProxyProtocolParseStatus.Complete;
    }

    private static bool TryParseLine(ReadOnlySpan<byte> line, out ProxyProtocolHeader header)
    {
        header = default;
        if (line.SequenceEqual("UNKNOWN"u8) || line.StartsWith("UNKNOWN "u8))
        {
            return true; // the receiver must ignore whatever else the line says
        }

        Span<char> text = stackalloc char[MaxLength];
        if (!Ascii.IsValid(line) || !Encoding.ASCII.TryGetChars(line, text, out var count))
        {
            return false;
        }

        // Exactly one space between fields: a second one makes an empty field, which is no address.
        Span<Range> ranges = stackalloc Range[Fields + 1];
        text = text[..count];
        if (((ReadOnlySpan<char>)text).Split(ranges, ' ') != Fields)
        {
            return false;
        }

        AddressFamily family;
        switch (text[ranges[0]])
        {
            case "TCP4":
                family = AddressFamily.InterNetwork;
                break;
            case "TCP6":
                family = AddressFamily.InterNetworkV6;
                break;
            default:
                return false;
        }

        if (!TryParseAddress(text[ranges[1]], family, out var source)
            || !TryParseAddress(text[ranges[2]], family, out var destination)
            || !TryParsePort(text[ranges[3]], out var sourcePort)
            || !TryParsePort(text[ranges[4]], out var destinationPort))
        {
            return false;
        }

        header = new ProxyProtocolHeader(new IPEndPoint(source, sourcePort), new IPEndPoint(destination, destinationPort));
        return true;
    }

    private static bool TryParseAddress(ReadOnlySpan<char> text, AddressFamily family, [NotNullWhen(true)] out IPAddress? address)
    {
        address = null;
        var wellFormed = family == AddressFamily.InterNetwork
            ? IsDottedQuad(text)
            : text.Contains(':') && !text.ContainsAny("%[]/"); // an IPv6 literal, without zone, brackets and prefix length
        return wellFormed && IPAddress.TryParse(text, out address) && address.AddressFamily == family;
    }

    // IPAddress.Parse also reads 1.2, 0x7f.1 and octal numbers; the specification has four decimal numbers without leading zeros.
    private static bool IsDottedQuad(ReadOnlySpan<char> text)
    {
        var numbers = 0;
        foreach (var range in text.Split('.'))
        {
            var number = text[range];
            if (number.Length is 0 or > 3 || number.ContainsAnyExceptInRange('0', '9') || (number.Length > 1 && number[0] == '0'))
            {
                return false;
            }

            numbers++;
        }

        return numbers == 4;
    }

    private static bool TryParsePort(ReadOnlySpan<char> text, out ushort port)
    {
        port = 0;
        return !(text.Length > 1 && text[0] == '0') && ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port);
    }
}
