using System.Buffers;
using System.Text;

namespace PyProxy.Gateway.Http;

/// <summary>Builds the URI that goes to an origin without touching what the client wrote.</summary>
internal static class UpstreamPath
{
    // RFC 3986 §3.3: pchar without pct-encoded, and the slash.
    private static readonly SearchValues<char> PathCharacters =
        SearchValues.Create("!$&'()*+,-./0123456789:;=@ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~");

    // Canonicalization would turn %7e into ~ and resolve what looks like a dot segment; targets are checked before they come here.
    private static readonly UriCreationOptions AsWritten = new() { DangerousDisablePathAndQueryCanonicalization = true };

    /// <param name="prefix">Scheme, authority and base path of the destination, as in YARP's <c>Address</c>.</param>
    /// <param name="path">Percent-encoded; empty where a transform removed all of it.</param>
    /// <param name="query">Percent-encoded, with its question mark; or empty.</param>
    public static Uri MakeUri(ReadOnlySpan<char> prefix, ReadOnlySpan<char> path, ReadOnlySpan<char> query)
    {
        if (prefix.EndsWith('/'))
        {
            prefix = prefix[..^1];
        }

        return new Uri(string.Concat(prefix, path.IsEmpty ? "/" : path, query), in AsWritten);
    }

    /// <summary>
    /// The percent-encoded form of a path that a transform has made out of the decoded one. The trailing segments that the transform left alone
    /// are taken from what the client wrote; the rest is encoded, except that the server's undecoded <c>%2F</c> stays one.
    /// </summary>
    /// <param name="transformed">What the transform made.</param>
    /// <param name="decoded">The server's <c>Request.Path</c>.</param>
    /// <param name="raw">The path that the client wrote.</param>
    public static string Encode(ReadOnlySpan<char> transformed, ReadOnlySpan<char> decoded, ReadOnlySpan<char> raw)
    {
        var kept = CommonTail(transformed, decoded, out var slashes);
        if (decoded.Count('/') != raw.Count('/'))
        {
            kept = 0; // the server has normalised it: there is no telling which segment became which
        }

        var result = new StringBuilder(transformed.Length + raw.Length);
        AppendEncoded(result, kept == 0 ? transformed : transformed[..^kept]);
        if (kept > 0)
        {
            result.Append(LastSegments(raw, slashes));
        }

        return result.ToString();
    }

    /// <summary>Length of the whole segments, slash included, that both paths end with.</summary>
    private static int CommonTail(ReadOnlySpan<char> left, ReadOnlySpan<char> right, out int slashes)
    {
        slashes = 0;
        var tail = 0;
        for (var i = 1; i <= left.Length && i <= right.Length && left[^i] == right[^i]; i++)
        {
            if (left[^i] == '/')
            {
                slashes++;
                tail = i;
            }
        }

        return tail;
    }

    private static ReadOnlySpan<char> LastSegments(ReadOnlySpan<char> path, int slashes)
    {
        var start = path.Length;
        while (slashes-- > 0)
        {
            start = path[..start].LastIndexOf('/');
        }

        return path[start..];
    }

    private static void AppendEncoded(StringBuilder result, ReadOnlySpan<char> text)
    {
        while (!text.IsEmpty)
        {
            var plain = text.IndexOfAnyExcept(PathCharacters);
            if (plain < 0)
            {
                result.Append(text);
                return;
            }

            result.Append(text[..plain]);
            text = text[plain..];
            if (text.StartsWith("%2F", StringComparison.OrdinalIgnoreCase))
            {
                result.Append(text[..3]);
                text = text[3..];
                continue;
            }

            var end = text[1..].IndexOfAny(PathCharacters);
            var percent = text[1..].IndexOf('%');
            var length = (end, percent) switch
            {
                ( < 0, < 0) => text.Length,
                ( < 0, _) => percent + 1,
                (_, < 0) => end + 1,
                _ => Math.Min(end, percent) + 1,
            };
            result.Append(Uri.EscapeDataString(text[..length]));
            text = text[length..];
        }
    }
}
