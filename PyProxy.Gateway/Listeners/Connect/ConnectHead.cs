using System.Buffers;
using System.Text;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Listeners.Connect;

/// <summary>
/// The head of one CONNECT request. Kestrel answers 400 where <c>Host</c> is not, byte for byte, the request target (aspnetcore#51467);
/// clients send it without the port or with the name of the proxy. For CONNECT the target alone decides (RFC 9110 §9.3.6), so <c>Host</c>
/// is made to follow it. A target with an underscore, which Kestrel does not take either, is hidden from it.
/// </summary>
/// <remarks>
/// Only a head about which there cannot be two opinions is edited: CRLF line ends, token field names, no folding, no control characters, one
/// <c>Host</c> with a valid value, no framing fields. About everything else Kestrel has the only opinion.
/// </remarks>
internal static class ConnectHead
{
    private static readonly SearchValues<byte> TokenBytes =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8); // RFC 9110 §5.6.2

    /// <summary>
    /// What the head says instead of a target that Kestrel refuses. A name that never resolves (RFC 6761 §6.4): were the real target not put
    /// back, nobody would be connected to a wrong one.
    /// </summary>
    public const string StandIn = "connect-target.invalid:443";

    private static ReadOnlySpan<byte> StandInBytes => "connect-target.invalid:443"u8;

    private static ReadOnlySpan<byte> Crlf => "\r\n"u8;

    /// <summary>The head with <c>Host</c> made equal to the target, or <see langword="null"/> where it is to stay as it is.</summary>
    /// <param name="head">From the method to the empty line, whole.</param>
    /// <param name="hiddenTarget">The target, where <see cref="StandIn"/> was put in its place.</param>
    public static byte[]? Rewrite(ReadOnlySpan<byte> head, out string? hiddenTarget)
    {
        hiddenTarget = null;
        if (!TryParseRequestLine(head, out var target, out var fieldsStart)
            || !TryFindHost(head, fieldsStart, out var host)
            || !IsTarget(head[target])
            || !IsHostValue(head[host]))
        {
            return null;
        }

        if (head[target].Contains((byte)'_'))
        {
            hiddenTarget = Encoding.ASCII.GetString(head[target]);
            return [.. head[..target.Start], .. StandInBytes, .. head[target.End..host.Start], .. StandInBytes, .. head[host.End..]];
        }

        if (head[host].SequenceEqual(head[target]))
        {
            return null;
        }

        return [.. head[..host.Start], .. head[target], .. head[host.End..]];
    }

    private static bool TryParseRequestLine(ReadOnlySpan<byte> head, out Range target, out int fieldsStart)
    {
        target = default;
        fieldsStart = 0;
        var lineEnd = head.IndexOf(Crlf);
        if (lineEnd < 0 || !head.StartsWith(ConnectHeadScanner.Method))
        {
            return false;
        }

        var start = ConnectHeadScanner.Method.Length;
        var rest = head[start..lineEnd];
        var space = rest.IndexOf((byte)' ');
        if (space <= 0 || !(rest[(space + 1)..].SequenceEqual("HTTP/1.1"u8) || rest[(space + 1)..].SequenceEqual("HTTP/1.0"u8)))
        {
            return false;
        }

        target = start..(start + space);
        fieldsStart = lineEnd + Crlf.Length;
        return true;
    }

    /// <summary>Checks every field line and finds the value of the one <c>Host</c> field.</summary>
    private static bool TryFindHost(ReadOnlySpan<byte> head, int position, out Range host)
    {
        host = default;
        var hosts = 0;
        while (true)
        {
            var length = head[position..].IndexOf(Crlf);
            if (length <= 0)
            {
                return length == 0 && hosts == 1;
            }

            // A name of one byte at least; a line that begins with a space (folding) has none.
            var line = head.Slice(position, length);
            var colon = line.IndexOf((byte)':');
            if (colon <= 0 || line[..colon].ContainsAnyExcept(TokenBytes) || HasControls(line[(colon + 1)..]))
            {
                return false;
            }

            var name = line[..colon];
            if (Ascii.EqualsIgnoreCase(name, "Content-Length"u8) || Ascii.EqualsIgnoreCase(name, "Transfer-Encoding"u8))
            {
                return false;
            }

            if (Ascii.EqualsIgnoreCase(name, "Host"u8))
            {
                hosts++;
                host = TrimmedRange(head, position + colon + 1, position + length);
            }

            position += length + Crlf.Length;
        }
    }

    private static bool HasControls(ReadOnlySpan<byte> value)
    {
        foreach (var b in value)
        {
            if (b is < 0x20 and not (byte)'\t' or 0x7F)
            {
                return true;
            }
        }

        return false;
    }

    private static Range TrimmedRange(ReadOnlySpan<byte> head, int start, int end)
    {
        while (start < end && head[start] is (byte)' ' or (byte)'\t')
        {
            start++;
        }

        while (end > start && head[end - 1] is (byte)' ' or (byte)'\t')
        {
            end--;
        }

        return start..end;
    }

    private static bool IsTarget(ReadOnlySpan<byte> target) => TryParse(target, defaultPort: 0);

    /// <summary>
    /// Whether this is a value that <c>Host</c> may have (RFC 9112 §3.2): one that it may not have is answered with 400, which is
    /// Kestrel's to do.
    /// </summary>
    private static bool IsHostValue(ReadOnlySpan<byte> value) => value.IsEmpty || TryParse(value, defaultPort: 443);

    private static bool TryParse(ReadOnlySpan<byte> authority, int defaultPort)
    {
        Span<char> text = stackalloc char[512];
        return authority.Length <= text.Length
            && Ascii.ToUtf16(authority, text, out var count) == OperationStatus.Done
            && HostPort.TryParse(text[..count], defaultPort, out _);
    }
}
