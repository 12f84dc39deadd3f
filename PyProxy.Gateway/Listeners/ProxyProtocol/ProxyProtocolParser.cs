using System.Buffers;

namespace PyProxy.Gateway.Listeners.ProxyProtocol;

/// <summary>
/// Parses the header of the PROXY protocol, versions 1 and 2 (HAProxy, doc/proxy-protocol.txt), at the start of a connection.
/// Stateless: it is given everything received so far and looks at no more than the longest header it accepts.
/// </summary>
internal static class ProxyProtocolParser
{
    /// <summary>Longest header of either version that is accepted.</summary>
    public const int MaxLength = ProxyProtocolV2.MaxLength;

    /// <param name="received">All bytes since the start of the connection.</param>
    /// <param name="header">What a complete header conveys.</param>
    /// <param name="length">Length of a complete header in bytes; 0 otherwise.</param>
    public static ProxyProtocolParseStatus Parse(in ReadOnlySequence<byte> received, out ProxyProtocolHeader header, out int length)
    {
        if (received.IsSingleSegment)
        {
            return Parse(received.FirstSpan, out header, out length);
        }

        var count = (int)Math.Min(received.Length, MaxLength);
        var copy = ArrayPool<byte>.Shared.Rent(count);
        try
        {
            received.Slice(0, count).CopyTo(copy);
            return Parse(copy.AsSpan(0, count), out header, out length);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(copy);
        }
    }

    public static ProxyProtocolParseStatus Parse(ReadOnlySpan<byte> received, out ProxyProtocolHeader header, out int length)
    {
        header = default;
        length = 0;
        if (BeginsLike(received, ProxyProtocolV2.Signature))
        {
            return received.Length < ProxyProtocolV2.Signature.Length
                ? ProxyProtocolParseStatus.Incomplete
                : ProxyProtocolV2.Parse(received, out header, out length);
        }

        if (BeginsLike(received, ProxyProtocolV1.Signature))
        {
            return received.Length < ProxyProtocolV1.Signature.Length
                ? ProxyProtocolParseStatus.Incomplete
                : ProxyProtocolV1.Parse(received, out header, out length);
        }

        return ProxyProtocolParseStatus.NoHeader;
    }

    private static bool BeginsLike(ReadOnlySpan<byte> received, ReadOnlySpan<byte> signature)
        => received.Length >= signature.Length ? received.StartsWith(signature) : signature.StartsWith(received);
}
