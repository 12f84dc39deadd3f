using System.Net;
using System.Net.Sockets;
using System.Text;

namespace PyProxy.Gateway.Tests.Functional;

/// <summary>Asks for a tunnel over HTTP/2, frame by frame: .NET's own client knows no plain CONNECT there.</summary>
internal static class RawHttp2Connect
{
    private const int HeadSize = 9;
    private const byte DataType = 0x0;
    private const byte SettingsType = 0x4;
    private const byte EndStream = 0x1;
    private const byte EndHeaders = 0x4;

    /// <summary>The statuses that HPACK's static table has from its entry 8 on (RFC 7541 appendix A).</summary>
    private static readonly int[] IndexedStatuses = [200, 204, 206, 304, 400, 404, 500];

    /// <param name="port">Of a listener that speaks HTTP/2 without TLS.</param>
    /// <param name="target">Host and port.</param>
    /// <param name="fields">Lines of a head, each ending with CRLF.</param>
    /// <returns>The status, 0 where the stream was reset; and the body of a refusal.</returns>
    public static async Task<(int Status, string Body)> AskAsync(int port, string target, string fields)
    {
        var cancellation = TestContext.Current.CancellationToken;
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, port, cancellation);
        await using var stream = new NetworkStream(socket);
        var block = HeaderBlock(target, fields);
        byte[] request =
        [
            .. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. FrameHead(0, SettingsType, flags: 0, streamId: 0),
            .. FrameHead(block.Length, (byte)Http2FrameType.Headers, EndHeaders, streamId: 1), .. block,
        ];
        await stream.WriteAsync(request, cancellation);

        var (status, body) = (0, new StringBuilder());
        var head = new byte[HeadSize];
        while (true)
        {
            await stream.ReadExactlyAsync(head, cancellation).AsTask().WaitAsync(RawClient.Patience, cancellation);
            var payload = new byte[(head[0] << 16) | (head[1] << 8) | head[2]];
            await stream.ReadExactlyAsync(payload, cancellation);
            switch (head[3])
            {
                case (byte)Http2FrameType.Headers:
                    status = StatusOf(payload);
                    break;
                case DataType:
                    body.Append(Encoding.UTF8.GetString(payload));
                    break;
                case (byte)Http2FrameType.ResetStream or (byte)Http2FrameType.GoAway:
                    return (status, body.ToString());
            }

            if (status == 200 || (head[3] <= (byte)Http2FrameType.Headers && (head[4] & EndStream) != 0))
            {
                return (status, body.ToString()); // a tunnel, or the end of a refusal
            }
        }
    }

    private static byte[] FrameHead(int length, byte type, byte flags, byte streamId)
        => [(byte)(length >> 16), (byte)(length >> 8), (byte)length, type, flags, 0, 0, 0, streamId];

    /// <summary>Literals without indexing and without Huffman coding (RFC 7541 §6.2.2).</summary>
    private static byte[] HeaderBlock(string target, string fields)
    {
        var block = new List<byte>();
        Add(":method", "CONNECT");
        Add(":authority", target);
        foreach (var line in fields.Split("\r\n", StringSplitOptions.RemoveEmptyEntries))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            Add(line[..colon].ToLowerInvariant(), line[(colon + 1)..].Trim());
        }

        return [.. block];

        void Add(string name, string value)
            => block.AddRange([0, (byte)name.Length, .. Encoding.Latin1.GetBytes(name), (byte)value.Length, .. Encoding.Latin1.GetBytes(value)]);
    }

    // The status comes first: an entry of the static table, or a literal under its name.
    private static int StatusOf(ReadOnlySpan<byte> block)
    {
        while ((block[0] & 0xE0) == 0x20)
        {
            block = block[1..]; // a change of the table's size
        }

        return (block[0] & 0x80) != 0 ? IndexedStatuses[(block[0] & 0x7F) - 8] : int.Parse(Encoding.ASCII.GetString(block.Slice(2, 3)), provider: null);
    }
}
