using System.Buffers;

namespace PyProxy.Gateway.Listeners.Connect;

internal enum ConnectHeadScan
{
    /// <summary>The bytes so far may be the beginning of a CONNECT request.</summary>
    Incomplete = 0,

    /// <summary>The head of what may be a CONNECT request is complete.</summary>
    Complete,

    /// <summary>No CONNECT request, or one that nobody here will touch.</summary>
    PassThrough,
}

/// <summary>
/// Finds the end of a CONNECT request's head while it arrives, in whatever pieces. Keeps its place between calls, so that a head that comes
/// byte by byte is not searched from its start each time.
/// </summary>
internal struct ConnectHeadScanner
{
    /// <summary>
    /// Longest head that is held back. Kestrel's own default limits (8 KB request line, 32 KB fields) answer what is longer, and it must
    /// come to see it.
    /// </summary>
    public const int MaxHeadLength = 32 * 1024;

    private long _lineStart;

    public static ReadOnlySpan<byte> Method => "CONNECT "u8;

    /// <param name="received">Everything from the request boundary on; the same beginning on each call.</param>
    /// <param name="headLength">Length of a complete head, its empty line included.</param>
    public ConnectHeadScan Scan(in ReadOnlySequence<byte> received, out int headLength)
    {
        headLength = 0;
        if (!MayBeConnect(received))
        {
            return ConnectHeadScan.PassThrough;
        }

        var reader = new SequenceReader<byte>(received);
        reader.Advance(_lineStart);
        while (reader.TryReadTo(out ReadOnlySequence<byte> line, (byte)'\n'))
        {
            // Kestrel may accept a bare LF where others see no end of a line: such a head is not edited, and not held back either.
            if (!EndsWithCarriageReturn(line))
            {
                return ConnectHeadScan.PassThrough;
            }

            if (reader.Consumed > MaxHeadLength)
            {
                return ConnectHeadScan.PassThrough;
            }

            if (line.Length == 1)
            {
                headLength = (int)reader.Consumed;
                return ConnectHeadScan.Complete;
            }

            _lineStart = reader.Consumed;
        }

        return received.Length >= MaxHeadLength ? ConnectHeadScan.PassThrough : ConnectHeadScan.Incomplete;
    }

    private static bool MayBeConnect(in ReadOnlySequence<byte> received)
    {
        Span<byte> prefix = stackalloc byte[8];
        var count = (int)Math.Min(received.Length, prefix.Length);
        received.Slice(0, count).CopyTo(prefix);
        return prefix[..count].SequenceEqual(Method[..count]);
    }

    private static bool EndsWithCarriageReturn(in ReadOnlySequence<byte> line)
        => !line.IsEmpty && line.Slice(line.Length - 1).FirstSpan[0] == '\r';
}
