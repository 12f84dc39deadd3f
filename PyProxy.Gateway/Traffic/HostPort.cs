using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace PyProxy.Gateway.Traffic;

/// <summary>
/// A host (name or address literal) and a port, in one canonical spelling: names in lower case, in their ASCII (punycode) form and
/// without the trailing dot, IPv6 without brackets. Two spellings of the same destination are equal, so a rule cannot be walked around.
/// </summary>
/// <param name="Host">Canonical host; IPv6 literals stand without brackets.</param>
/// <param name="Port">1 to 65535.</param>
internal readonly record struct HostPort(string Host, int Port)
{
    private const int MaxHostLength = 253; // RFC 1035 §2.3.4 as text, without the trailing dot

    private static readonly SearchValues<char> NameCharacters =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._");

    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdefABCDEF");

    private static readonly IdnMapping Idn = new() { AllowUnassigned = false, UseStd3AsciiRules = false };

    /// <summary>The literal address when <see cref="Host"/> is one in canonical form.</summary>
    public bool TryGetAddress([NotNullWhen(true)] out IPAddress? address)
    {
        // Other spellings of addresses have been brought to these by parsing.
        if (Host.Contains(':', StringComparison.Ordinal) || IsDottedQuad(Host))
        {
            return IPAddress.TryParse(Host, out address);
        }

        address = null;
        return false;
    }

    /// <summary>Parses <c>host:port</c> as an authority (RFC 9110 §7.2, RFC 3986 §3.2). User information is refused.</summary>
    /// <param name="text">The authority.</param>
    /// <param name="defaultPort">The port where the text has none; 0 = a port is required, as for CONNECT (RFC 9110 §9.3.6).</param>
    /// <param name="result">The canonical form.</param>
    public static bool TryParse(ReadOnlySpan<char> text, int defaultPort, out HostPort result)
    {
        result = default;
        ReadOnlySpan<char> host;
        ReadOnlySpan<char> rest;
        if (text.StartsWith("["))
        {
            var close = text.IndexOf(']');
            if (close < 0)
            {
                return false;
            }

            host = text[1..close];
            rest = text[(close + 1)..];
            if (!host.Contains(':'))
            {
                return false; // brackets are for IPv6 only
            }
        }
        else
        {
            var colon = text.IndexOf(':');
            host = colon < 0 ? text : text[..colon];
            rest = colon < 0 ? [] : text[colon..];
        }

        var port = defaultPort;
        if (!rest.IsEmpty)
        {
            if (rest[0] != ':' || !TryParsePort(rest[1..], out port))
            {
                return false;
            }
        }

        if (port is < 1 or > 65535 || !TryCanonicalizeHost(host, out var canonical))
        {
            return false;
        }

        result = new HostPort(canonical, port);
        return true;
    }

    /// <summary>
    /// Brings a host to its canonical spelling; false where it is neither a name nor an address literal. An IPv6 zone is refused:
    /// it names an interface of this machine, which is nothing a client may choose.
    /// </summary>
    public static bool TryCanonicalizeHost(ReadOnlySpan<char> host, [NotNullWhen(true)] out string? canonical)
    {
        canonical = null;
        if (host.Contains(':'))
        {
            if (host.Contains('%') || host.Contains('[') || !IPAddress.TryParse(host, out var address)
                || address.AddressFamily != AddressFamily.InterNetworkV6)
            {
                return false;
            }

            canonical = address.ToString();
            return true;
        }

        if (host.Length > MaxHostLength + 1)
        {
            return false;
        }

        if (host.ContainsAnyExcept(NameCharacters))
        {
            if (!TryToAscii(host, out var ascii))
            {
                return false;
            }

            host = ascii;
        }

        if (host.EndsWith("."))
        {
            host = host[..^1];
        }

        if (host.IsEmpty || host.Length > MaxHostLength || host[0] == '.' || host[^1] == '.' || host.IndexOf("..") >= 0)
        {
            return false;
        }

        if (EndsInNumber(host))
        {
            return TryCanonicalizeAddress(host, out canonical);
        }

        canonical = host.ContainsAnyInRange('A', 'Z') ? host.ToString().ToLowerInvariant() : host.ToString();
        return true;
    }

    /// <summary>
    /// Whether a host means an IPv4 address however it is written: no top-level domain is a number, and every resolver reads
    /// <c>2130706433</c>, <c>0x7f.1</c> or <c>017700000001</c> as an address (WHATWG URL, "ends in a number").
    /// </summary>
    private static bool EndsInNumber(ReadOnlySpan<char> host)
    {
        var last = host[(host.LastIndexOf('.') + 1)..];
        return !last.ContainsAnyExceptInRange('0', '9')
            || (last.StartsWith("0x", StringComparison.OrdinalIgnoreCase) && !last[2..].ContainsAnyExcept(HexDigits));
    }

    /// <summary>Brings any spelling of an IPv4 address to the dotted quad, so that rules and address policy judge what will be dialed.</summary>
    private static bool TryCanonicalizeAddress(ReadOnlySpan<char> host, [NotNullWhen(true)] out string? canonical)
    {
        canonical = IPAddress.TryParse(host, out var address) && address.AddressFamily == AddressFamily.InterNetwork ? address.ToString() : null;
        return canonical is not null;
    }

    /// <summary>The authority as it is written in HTTP: IPv6 in brackets.</summary>
    public override string ToString()
        => Host.Contains(':', StringComparison.Ordinal)
            ? string.Create(CultureInfo.InvariantCulture, $"[{Host}]:{Port}")
            : string.Create(CultureInfo.InvariantCulture, $"{Host}:{Port}");

    private static bool TryParsePort(ReadOnlySpan<char> text, out int port)
    {
        port = 0;
        return text.Length is >= 1 and <= 5
            && !text.ContainsAnyExceptInRange('0', '9')
            && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port)
            && port is >= 1 and <= 65535;
    }

    private static bool TryToAscii(ReadOnlySpan<char> host, out ReadOnlySpan<char> ascii)
    {
        ascii = default;
        foreach (var c in host)
        {
            if (c < 0x80 && !NameCharacters.Contains(c))
            {
                return false;
            }
        }

        try
        {
            ascii = Idn.GetAscii(host.ToString());
            return true;
        }
        catch (ArgumentException)
        {
            return false; // not a name in any alphabet
        }
    }

    private static bool IsDottedQuad(string host)
    {
        var dots = 0;
        var digits = 0;
        foreach (var c in host)
        {
            if (c == '.')
            {
                if (digits is 0 or > 3)
                {
                    return false;
                }

                dots++;
                digits = 0;
            }
            else if (char.IsAsciiDigit(c))
            {
                digits++;
            }
            else
            {
                return false;
            }
        }

        return dots == 3 && digits is >= 1 and <= 3;
    }
}
