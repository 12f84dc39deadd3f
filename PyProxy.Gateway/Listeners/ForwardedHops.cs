using System.Net;
using Microsoft.Extensions.Primitives;

namespace PyProxy.Gateway.Listeners;

/// <summary>
/// Reads what proxies said about the client, from the nearest hop outwards: <c>X-Forwarded-For</c> and <c>Forwarded</c> (RFC 7239). Anything
/// that is not an address ends the walk: behind it nothing can be believed.
/// </summary>
internal static class ForwardedHops
{
    private const string Standard = "Forwarded";
    private const string DeFacto = "X-Forwarded-For";

    /// <summary>The first address that no trusted proxy stands for.</summary>
    /// <remarks>
    /// A proxy writes one of the two fields and passes the other on as the client sent it. Where both are there and disagree, nobody can tell
    /// which is the proxy's, so neither is believed: a client may hide behind the proxy by that, but cannot be somebody else.
    /// </remarks>
    /// <param name="peer">The trusted proxy that the connection came from.</param>
    /// <param name="headers">The request's fields.</param>
    /// <param name="trusted">Whose word is believed.</param>
    public static IPAddress ClientAddress(IPAddress peer, IHeaderDictionary headers, TrustedProxies trusted)
    {
        var standard = headers[Standard];
        var deFacto = headers[DeFacto];
        if (standard.Count == 0)
        {
            return Walk(peer, deFacto, isStandard: false, trusted);
        }

        var client = Walk(peer, standard, isStandard: true, trusted);
        return deFacto.Count == 0 || client.Equals(Walk(peer, deFacto, isStandard: false, trusted)) ? client : peer;
    }

    private static IPAddress Walk(IPAddress peer, StringValues values, bool isStandard, TrustedProxies trusted)
    {
        var client = peer;
        for (var field = values.Count - 1; field >= 0; field--)
        {
            var rest = values[field].AsSpan();
            while (!rest.IsEmpty)
            {
                var comma = LastSeparator(rest);
                var element = rest[(comma + 1)..].Trim();
                rest = comma < 0 ? default : rest[..comma];
                if (!TryParseNode(isStandard ? ForParameter(element) : element, out var address))
                {
                    return client;
                }

                client = address;
                if (!trusted.Contains(client))
                {
                    return client;
                }
            }
        }

        return client;
    }

    // A quoted string may hold a comma (RFC 7239 §4 allows any token or quoted-string as a parameter's value).
    private static int LastSeparator(ReadOnlySpan<char> text)
    {
        var quoted = false;
        for (var i = text.Length - 1; i >= 0; i--)
        {
            if (text[i] == '"')
            {
                quoted = !quoted;
            }
            else if (text[i] == ',' && !quoted)
            {
                return i;
            }
        }

        return -1;
    }

    private static ReadOnlySpan<char> ForParameter(ReadOnlySpan<char> element)
    {
        foreach (var range in element.Split(';'))
        {
            var pair = element[range].Trim();
            if (pair.StartsWith("for=", StringComparison.OrdinalIgnoreCase))
            {
                return pair[4..].Trim('"');
            }
        }

        return default;
    }

    // An address, with a port or without: 192.0.2.1, 192.0.2.1:4711, 2001:db8::1, [2001:db8::1], [2001:db8::1]:4711.
    private static bool TryParseNode(ReadOnlySpan<char> node, out IPAddress address)
    {
        if (node.StartsWith('['))
        {
            var close = node.IndexOf(']');
            node = close < 0 ? default : node[1..close];
        }
        else if (node.Count(':') == 1)
        {
            node = node[..node.IndexOf(':')];
        }

        // The short spellings that IPAddress also reads (10.1, 0x7f.1) are no addresses here, and a zone is this machine's business.
        var plain = node.Contains(':') ? !node.Contains('%') : node.Count('.') == 3;
        if (plain && IPAddress.TryParse(node, out var parsed))
        {
            address = parsed.IsIPv4MappedToIPv6 ? parsed.MapToIPv4() : parsed;
            return true;
        }

        address = IPAddress.None;
        return false;
    }
}
