using System.Globalization;
using System.Net.Sockets;
using System.Text;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Egress.Upstreams;

/// <summary>Has an HTTP proxy open a tunnel (RFC 9110 §9.3.6). Not a byte behind the answer's head is read: it is the destination's.</summary>
internal static class ConnectHandshake
{
    private const int MaxHead = 16 * 1024;

    /// <returns>The status of the answer; 2xx means that the tunnel stands.</returns>
    /// <exception cref="IOException">The proxy ended the connection.</exception>
    /// <exception cref="InvalidDataException">What it sent is no HTTP.</exception>
    public static async Task<int> RunAsync(DialedConnection connection, HostPort target, string? authorization, string via, CancellationToken cancellationToken)
    {
        await connection.Stream.WriteAsync(Request(target, authorization, via), cancellationToken);
        while (true)
        {
            var status = StatusOf(await ReadHeadAsync(connection, cancellationToken));
            if (status >= StatusCodes.Status200OK)
            {
                return status;
            }
        }
    }

    private static byte[] Request(HostPort target, string? authorization, string via)
    {
        var head = new StringBuilder(256);
        head.Append(CultureInfo.InvariantCulture, $"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
        head.Append("Via: ").Append(via).Append("\r\n");
        if (authorization is not null)
        {
            head.Append("Proxy-Authorization: ").Append(authorization).Append("\r\n");
        }

        return Encoding.Latin1.GetBytes(head.Append("\r\n").ToString());
    }

    private static int StatusOf(ReadOnlySpan<byte> head)
    {
        // HTTP/1.x SP 3DIGIT
        if (head.Length < 13 || !head.StartsWith("HTTP/1."u8) || head[8] != ' '
            || !int.TryParse(head.Slice(9, 3), NumberStyles.None, CultureInfo.InvariantCulture, out var status) || status < 100 || head[12] is not ((byte)' ' or (byte)'\r'))
        {
            throw new InvalidDataException("This is no status line.");
        }

        return status;
    }

    private static async Task<byte[]> ReadHeadAsync(DialedConnection connection, CancellationToken cancellationToken)
    {
        var head = new byte[1024];
        var length = 0;
        while (true)
        {
            if (length == head.Length)
            {
                if (length >= MaxHead)
                {
                    throw new InvalidDataException("The head does not end.");
                }

                Array.Resize(ref head, length * 2);
            }

            var end = connection.IsInTls
                ? await ReadByteAsync(connection.Stream, head.AsMemory(length), cancellationToken)
                : await ReadUpToEndAsync(connection.Socket, head, length, cancellationToken);
            if (end == 0)
            {
                throw new IOException("The upstream proxy ended the connection.");
            }

            length += end;
            if (head.AsSpan(0, length).EndsWith("\r\n\r\n"u8))
            {
                return head;
            }
        }
    }

    // From TLS byte by byte: SslStream has decrypted a record and hands out of it, which costs little.
    private static async ValueTask<int> ReadByteAsync(Stream stream, Memory<byte> into, CancellationToken cancellationToken)
        => await stream.ReadAsync(into[..1], cancellationToken);

    /// <summary>Looks at what has come, and takes it only as far as the head's end.</summary>
    private static async ValueTask<int> ReadUpToEndAsync(Socket socket, byte[] head, int length, CancellationToken cancellationToken)
    {
        var seen = await socket.ReceiveAsync(head.AsMemory(length), SocketFlags.Peek, cancellationToken);
        if (seen == 0)
        {
            return 0;
        }

        var from = Math.Max(0, length - 3); // the end may have begun in what was taken before
        var end = head.AsSpan(from, length + seen - from).IndexOf("\r\n\r\n"u8);
        var take = end < 0 ? seen : from + end + 4 - length;
        return await socket.ReceiveAsync(head.AsMemory(length, take), cancellationToken); // there already: completes at once, and whole
    }
}
