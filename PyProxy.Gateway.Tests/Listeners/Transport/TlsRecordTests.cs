using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace PyProxy.Gateway.Tests.Listeners.Transport;

public sealed class TlsRecordTests
{
    private const int BodyLength = 256 * 1024;
    private const int RecordHeader = 5;
    private const int FullRecord = 16 * 1024;

    /// <summary>A record for each block of 4 KB would be 64 and more.</summary>
    [Fact]
    public async Task LargeBody_LeavesInFullRecords()
    {
        await using var server = await TransportServer.StartAsync(static context =>
        {
            context.Response.ContentLength = BodyLength;
            return context.Response.Body.WriteAsync(new byte[BodyLength], TestContext.Current.CancellationToken).AsTask();
        });
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, server.Address(tls: true).Port), TestContext.Current.CancellationToken);
        await using var wire = new Wire(socket);
        await using var tls = new SslStream(wire);
        await tls.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions { TargetHost = "localhost", RemoteCertificateValidationCallback = static (_, _, _, _) => true },
            TestContext.Current.CancellationToken);
        await tls.WriteAsync(Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), TestContext.Current.CancellationToken);
        await tls.CopyToAsync(Stream.Null, TestContext.Current.CancellationToken);

        var lengths = RecordLengths(wire.Received.ToArray()).ToList();
        Assert.InRange(lengths.Count(static length => length >= FullRecord), (BodyLength / FullRecord) - 2, lengths.Count);
        Assert.InRange(lengths.Count, 1, 2 * BodyLength / FullRecord);
    }

    private static IEnumerable<int> RecordLengths(byte[] bytes)
    {
        for (var at = 0; at + RecordHeader <= bytes.Length;)
        {
            var length = BinaryPrimitives.ReadUInt16BigEndian(bytes.AsSpan(at + 3));
            yield return length;
            at += RecordHeader + length;
        }
    }

    /// <summary>Keeps what has come.</summary>
    private sealed class Wire(Socket socket) : NetworkStream(socket)
    {
        public MemoryStream Received { get; } = new();

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            var count = await base.ReadAsync(buffer, cancellationToken);
            Received.Write(buffer.Span[..count]);
            return count;
        }
    }
}
