using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;

namespace PyProxy.Gateway.Tests.Functional;

/// <summary>Frame types of RFC 9113 §6 that end or answer a request.</summary>
internal enum Http2FrameType
{
    Headers = 0x1,
    ResetStream = 0x3,
    GoAway = 0x7,
}

/// <summary>Sends one HTTP/2 request whose fields are whatever a test wants, which no real client would.</summary>
internal static class RawHttp2Client
{
    private const int HeadSize = 9;
    private const byte SettingsType = 0x4;
    private const byte EndStreamAndHeaders = 0x5;

    /// <summary>The first frame that the server answers the request with, and its error code.</summary>
    public static async Task<(Http2FrameType Type, uint ErrorCode)> SendAsync(
        Uri address, CancellationToken cancellationToken, params (string Name, string Value)[] fields)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(address.Host, address.Port, cancellationToken);
        using var stream = new NetworkStream(socket);
        var block = HeaderBlock(fields);
        byte[] request =
        [
            .. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8,
            .. FrameHead(0, SettingsType, flags: 0, streamId: 0),
            .. FrameHead(block.Length, (byte)Http2FrameType.Headers, EndStreamAndHeaders, streamId: 1),
            .. block,
        ];
        await stream.WriteAsync(request, cancellationToken);

        var head = new byte[HeadSize];
        while (true)
        {
            await stream.ReadExactlyAsync(head, cancellationToken);
            var payload = new byte[(head[0] << 16) | (head[1] << 8) | head[2]];
            await stream.ReadExactlyAsync(payload, cancellationToken);
            switch ((Http2FrameType)head[3])
            {
                case Http2FrameType.Headers:
                    return (Http2FrameType.Headers, 0);
                case Http2FrameType.ResetStream:
                    return (Http2FrameType.ResetStream, BinaryPrimitives.ReadUInt32BigEndian(payload));
                case Http2FrameType.GoAway:
                    return (Http2FrameType.GoAway, BinaryPrimitives.ReadUInt32BigEndian(payload.AsSpan(4)));
            }
        }
    }

    private static byte[] FrameHead(int length, byte type, byte flags, byte streamId)
        => [(byte)(length >> 16), (byte)(length >> 8), (byte)length, type, flags, 0, 0, 0, streamId];

    /// <summary>RFC 7541 §6.2.2: literals without indexing and without Huffman coding; three pseudo-fields from the static table.</summary>
    private static byte[] HeaderBlock((string Name, string Value)[] fields)
    {
        const byte MethodGet = 0x82;
        const byte PathRoot = 0x84;
        const byte SchemeHttp = 0x86;
        var block = new List<byte> { MethodGet, SchemeHttp };
        if (!fields.Any(static field => field.Name == ":path"))
        {
            block.Add(PathRoot);
        }

        foreach (var (name, value) in fields.Prepend((":authority", "h")))
        {
            block.AddRange([0, (byte)name.Length, .. Encoding.Latin1.GetBytes(name), (byte)value.Length, .. Encoding.Latin1.GetBytes(value)]);
        }

        return [.. block];
    }
}
