using System.Buffers;
using System.Globalization;
using System.Text;

namespace PyProxy.Gateway.Commands.Capacity;

/// <summary>What a load generator needs of the head of an answer.</summary>
internal readonly record struct ResponseHead(int Status, long? ContentLength, bool IsChunked, bool KeepsAlive, string? ProxyError)
{
    private const string ErrorParameter = "error=";

    /// <summary>False where the head is not whole yet.</summary>
    /// <exception cref="IOException">It is no HTTP answer.</exception>
    public static bool TryRead(in ReadOnlySequence<byte> bytes, out ResponseHead head, out SequencePosition consumed)
    {
        head = default;
        consumed = bytes.Start;
        var reader = new SequenceReader<byte>(bytes);
        if (!reader.TryReadTo(out ReadOnlySequence<byte> raw, "\r\n\r\n"u8))
        {
            return false;
        }

        consumed = reader.Position;
        head = Parse(Encoding.Latin1.GetString(raw));
        return true;
    }

    private static ResponseHead Parse(string text)
    {
        var lines = text.AsSpan().EnumerateLines();
        lines.MoveNext();
        if (!lines.Current.StartsWith("HTTP/1.", StringComparison.Ordinal)
            || lines.Current.Length < 12
            || !int.TryParse(lines.Current[9..12], NumberStyles.None, CultureInfo.InvariantCulture, out var status))
        {
            throw new IOException("The answer is not HTTP/1.1.");
        }

        long? length = null;
        var chunked = false;
        var keepsAlive = lines.Current[7] == '1';
        string? error = null;
        while (lines.MoveNext())
        {
            var colon = lines.Current.IndexOf(':');
            if (colon <= 0)
            {
                continue;
            }

            var name = lines.Current[..colon];
            var value = lines.Current[(colon + 1)..].Trim();
            if (name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase))
            {
                length = long.Parse(value, NumberStyles.None, CultureInfo.InvariantCulture);
            }
            else if (name.Equals("Transfer-Encoding", StringComparison.OrdinalIgnoreCase))
            {
                chunked = value.EndsWith("chunked", StringComparison.OrdinalIgnoreCase);
            }
            else if (name.Equals("Connection", StringComparison.OrdinalIgnoreCase))
            {
                keepsAlive &= !value.Contains("close", StringComparison.OrdinalIgnoreCase);
            }
            else if (name.Equals("Proxy-Status", StringComparison.OrdinalIgnoreCase))
            {
                error = ErrorOf(value);
            }
        }

        return new ResponseHead(status, length, chunked, keepsAlive && (chunked || length is not null || status is < 200 or 204 or 304), error);
    }

    private static string? ErrorOf(ReadOnlySpan<char> proxyStatus)
    {
        var start = proxyStatus.IndexOf(ErrorParameter, StringComparison.Ordinal);
        if (start < 0)
        {
            return null;
        }

        var token = proxyStatus[(start + ErrorParameter.Length)..];
        var end = token.IndexOfAny(';', ',');
        return (end < 0 ? token : token[..end]).Trim().ToString();
    }
}
