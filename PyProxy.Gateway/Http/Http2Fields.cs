using System.Buffers;
using Microsoft.Net.Http.Headers;

namespace PyProxy.Gateway.Http;

/// <summary>
/// Fields that make an HTTP/2 or HTTP/3 request malformed (RFC 9113 §8.2, RFC 9114 §4.2) although Kestrel lets them through. What it does
/// not let through (<c>Connection</c>, other values of <c>TE</c>, upper case) never comes here.
/// </summary>
internal static class Http2Fields
{
    private static readonly SearchValues<char> Token =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

    public static bool AreMalformed(IHeaderDictionary headers)
    {
        if (headers.ContainsKey(HeaderNames.TransferEncoding)
            || headers.ContainsKey(HeaderNames.KeepAlive)
            || headers.ContainsKey(HeaderNames.ProxyConnection)
            || headers.ContainsKey(HeaderNames.Upgrade)
            || headers.ContainsKey(HeaderNames.Connection))
        {
            return true;
        }

        foreach (var (name, values) in headers)
        {
            // Kestrel lists pseudo-fields of its own accord: they are none of the client's fields.
            if (!name.StartsWith(':') && (name.Length == 0 || name.AsSpan().ContainsAnyExcept(Token)))
            {
                return true;
            }

            for (var i = 0; i < values.Count; i++)
            {
                if (IsMalformedValue(values[i]))
                {
                    return true;
                }
            }
        }

        return false;
    }

    // RFC 9113 §8.2.1: neither NUL, CR or LF anywhere, nor whitespace at either end.
    private static bool IsMalformedValue(ReadOnlySpan<char> value)
        => value.ContainsAny('\0', '\r', '\n') || (!value.IsEmpty && (value[0] is ' ' or '\t' || value[^1] is ' ' or '\t'));
}
