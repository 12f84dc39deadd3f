using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace PyProxy.Gateway.Commands.Capacity;

/// <summary>What came back for one request.</summary>
/// <param name="Status">Status code.</param>
/// <param name="ProxyError">The error in <c>Proxy-Status</c>, where the gateway itself answered with one.</param>
/// <param name="KeepsAlive">Whether the connection can carry another request.</param>
internal readonly record struct LoadAnswer(int Status, string? ProxyError, bool KeepsAlive);

/// <summary>
/// One connection of a simulated user: HTTP/1.1 in a few hundred bytes of memory and no more work than it takes, because whatever the load
/// generator costs is missing from what it measures on the same machine.
/// </summary>
internal sealed class LoadConnection : IAsyncDisposable
{
    private const int MaxHead = 64 * 1024;
    private static readonly StreamPipeReaderOptions ReaderOptions = new(useZeroByteReads: true, leaveOpen: true);

    private readonly Stream _stream;
    private readonly PipeReader _reader;

    private LoadConnection(Stream stream)
    {
        _stream = stream;
        _reader = PipeReader.Create(stream, ReaderOptions);
    }

    public static async Task<LoadConnection> OpenAsync(LoadAddress address, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
#pragma warning disable RS0030 // Not the gateway's traffic: the operator's load on a gateway, from the command that makes it.
            await socket.ConnectAsync(address.EndPoint, cancellationToken);
#pragma warning restore RS0030
        }
        catch
        {
            socket.Dispose();
            throw;
        }

        Stream stream = new NetworkStream(socket, ownsSocket: true);
        return new LoadConnection(address.Tls ? await AuthenticateAsync(stream, address, cancellationToken) : stream);
    }

    public async Task<LoadAnswer> SendAsync(ReadOnlyMemory<byte> request, bool isConnect, CancellationToken cancellationToken)
    {
        await _stream.WriteAsync(request, cancellationToken);
        var head = await ReadHeadAsync(cancellationToken);
        while (head.Status is >= 100 and < 200)
        {
            head = await ReadHeadAsync(cancellationToken);
        }

        if (!(isConnect && head.Status is >= 200 and < 300) && head.Status is not (204 or 304))
        {
            await SkipBodyAsync(head, cancellationToken);
        }

        return new LoadAnswer(head.Status, head.ProxyError, head.KeepsAlive);
    }

    /// <summary>The SOCKS5 handshake (RFC 1928, RFC 1929); the reply's code, 0 where the tunnel stands.</summary>
    public async Task<int> OpenSocksAsync(string host, int port, (string Name, string Password)? user, CancellationToken cancellationToken)
    {
        await _stream.WriteAsync(user is null ? (byte[])[5, 1, 0] : [5, 1, 2], cancellationToken);
        var method = await ReadExactlyAsync(2, cancellationToken);
        if (method[1] == 0xFF)
        {
            return 0xFF;
        }

        if (user is { } known)
        {
            var (name, password) = (Encoding.UTF8.GetBytes(known.Name), Encoding.UTF8.GetBytes(known.Password));
            await _stream.WriteAsync((byte[])[1, (byte)name.Length, .. name, (byte)password.Length, .. password], cancellationToken);
            if ((await ReadExactlyAsync(2, cancellationToken))[1] != 0)
            {
                return 0xFF;
            }
        }

        var domain = Encoding.ASCII.GetBytes(host);
        await _stream.WriteAsync((byte[])[5, 1, 0, 3, (byte)domain.Length, .. domain, (byte)(port >> 8), (byte)port], cancellationToken);
        var reply = await ReadExactlyAsync(4, cancellationToken);
        var rest = reply[3] == 4 ? 18 : reply[3] == 1 ? 6 : throw new IOException("The SOCKS5 reply has no address that is known.");
        await ReadExactlyAsync(rest, cancellationToken);
        return reply[1];
    }

    public async ValueTask DisposeAsync()
    {
        await _reader.CompleteAsync();
        await _stream.DisposeAsync();
    }

    private static async Task<SslStream> AuthenticateAsync(Stream stream, LoadAddress address, CancellationToken cancellationToken)
    {
        var tls = new SslStream(stream);
        try
        {
            var options = new SslClientAuthenticationOptions { TargetHost = address.Host };
            if (address.AcceptAnyCertificate)
            {
#pragma warning disable CA5359 // Asked for by --insecure.
                options.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
#pragma warning restore CA5359
            }

            await tls.AuthenticateAsClientAsync(options, cancellationToken);
            return tls;
        }
        catch
        {
            await tls.DisposeAsync();
            throw;
        }
    }

    private async Task<ResponseHead> ReadHeadAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var read = await _reader.ReadAsync(cancellationToken);
            if (ResponseHead.TryRead(read.Buffer, out var head, out var consumed))
            {
                _reader.AdvanceTo(consumed);
                return head;
            }

            if (read.IsCompleted)
            {
                throw new EndOfStreamException("The connection ended before an answer.");
            }

            if (read.Buffer.Length > MaxHead)
            {
                throw new IOException("The answer's head is too large.");
            }

            _reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private Task SkipBodyAsync(ResponseHead head, CancellationToken cancellationToken)
        => head.IsChunked ? SkipChunksAsync(cancellationToken) : SkipAsync(head.ContentLength ?? long.MaxValue, head.ContentLength is null, cancellationToken);

    private async Task SkipAsync(long count, bool untilEnd, CancellationToken cancellationToken)
    {
        while (count > 0)
        {
            var read = await _reader.ReadAsync(cancellationToken);
            var taken = Math.Min(count, read.Buffer.Length);
            count -= taken;
            _reader.AdvanceTo(read.Buffer.GetPosition(taken));
            if (read.IsCompleted && count > 0)
            {
                if (untilEnd)
                {
                    return;
                }

                throw new EndOfStreamException("The connection ended inside an answer.");
            }
        }
    }

    private async Task SkipChunksAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var line = await ReadLineAsync(cancellationToken);
            var size = line.Split(';')[0].Trim();
            if (!long.TryParse(size, NumberStyles.AllowHexSpecifier, null, out var count))
            {
                throw new IOException("The answer's chunks are malformed.");
            }

            if (count == 0)
            {
                while ((await ReadLineAsync(cancellationToken)).Length > 0)
                {
                }

                return;
            }

            await SkipAsync(count + 2, untilEnd: false, cancellationToken);
        }
    }

    private async Task<string> ReadLineAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var read = await _reader.ReadAsync(cancellationToken);
            if (read.Buffer.PositionOf((byte)'\n') is { } end)
            {
                var line = Encoding.ASCII.GetString(read.Buffer.Slice(0, end)).TrimEnd('\r');
                _reader.AdvanceTo(read.Buffer.GetPosition(1, end));
                return line;
            }

            if (read.IsCompleted || read.Buffer.Length > MaxHead)
            {
                throw new EndOfStreamException("The connection ended inside an answer.");
            }

            _reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private async Task<byte[]> ReadExactlyAsync(int count, CancellationToken cancellationToken)
    {
        while (true)
        {
            var read = await _reader.ReadAsync(cancellationToken);
            if (read.Buffer.Length >= count)
            {
                var bytes = read.Buffer.Slice(0, count).ToArray();
                _reader.AdvanceTo(read.Buffer.GetPosition(count));
                return bytes;
            }

            if (read.IsCompleted)
            {
                throw new EndOfStreamException("The connection ended before an answer.");
            }

            _reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }
}
