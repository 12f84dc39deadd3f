using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace PyProxy.Gateway.Tests.Egress.Names;

/// <summary>A name server (RFC 1035) on one free port over UDP and TCP, with its answers in the test's hands.</summary>
internal sealed class TestNameServer : IAsyncDisposable
{
    private const int Attempts = 10;

    private readonly Socket _udp;
    private readonly TcpListener _tcp;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _serving;

    private TestNameServer(Socket udp, TcpListener tcp)
    {
        (_udp, _tcp) = (udp, tcp);
        _serving = Task.WhenAll(ServeUdpAsync(), ServeTcpAsync());
    }

    /// <summary>Addresses by name; a name that is not there does not exist.</summary>
    public ConcurrentDictionary<string, string[]> Hosts { get; } = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Over what which names and types were asked for.</summary>
    public ConcurrentQueue<(string Transport, string Name, int Type)> Asked { get; } = new();

    public int TimeToLive { get; set; } = 60;

    /// <summary>Stays silent instead of answering.</summary>
    public bool IsSilent { get; set; }

    /// <summary>Answers over UDP that the answer does not fit (TC).</summary>
    public bool Truncates { get; set; }

    /// <summary>Answers with this code (2 = server failure) instead of records.</summary>
    public int Failure { get; set; }

    public IPEndPoint EndPoint => (IPEndPoint)_udp.LocalEndPoint!;

    public static TestNameServer Start()
    {
        for (var attempt = 1; ; attempt++)
        {
            var udp = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            udp.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            var tcp = new TcpListener((IPEndPoint)udp.LocalEndPoint!);
            try
            {
                tcp.Start();
                return new TestNameServer(udp, tcp);
            }
            catch (SocketException) when (attempt < Attempts)
            {
                udp.Dispose(); // somebody else has that port for TCP
                tcp.Dispose();
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _udp.Dispose();
        _tcp.Dispose();
        await _serving;
        _stop.Dispose();
    }

    private async Task ServeUdpAsync()
    {
        var buffer = new byte[4096];
        try
        {
            while (true)
            {
                var received = await _udp.ReceiveFromAsync(buffer, new IPEndPoint(IPAddress.Any, 0), _stop.Token);
                if (Answer(buffer.AsSpan(0, received.ReceivedBytes), "udp") is { } answer)
                {
                    await _udp.SendToAsync(answer, received.RemoteEndPoint, _stop.Token);
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // The test is over.
        }
    }

    private async Task ServeTcpAsync()
    {
        try
        {
            while (true)
            {
                _ = ServeConnectionAsync(await _tcp.AcceptSocketAsync(_stop.Token));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // The test is over.
        }
    }

    private async Task ServeConnectionAsync(Socket socket)
    {
        try
        {
            await using var stream = new NetworkStream(socket, ownsSocket: true);
            var length = new byte[2];
            while (true)
            {
                await stream.ReadExactlyAsync(length, _stop.Token);
                var question = new byte[BinaryPrimitives.ReadUInt16BigEndian(length)];
                await stream.ReadExactlyAsync(question, _stop.Token);
                if (Answer(question, "tcp") is { } answer)
                {
                    BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)answer.Length);
                    await stream.WriteAsync((byte[])[.. length, .. answer], _stop.Token);
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or IOException)
        {
            // The client or the test has gone.
        }
    }

    private byte[]? Answer(ReadOnlySpan<byte> query, string transport)
    {
        var (name, end) = ReadName(query);
        var type = BinaryPrimitives.ReadUInt16BigEndian(query[end..]);
        Asked.Enqueue((transport, name, type));
        if (IsSilent)
        {
            return null;
        }

        var exists = Hosts.TryGetValue(name, out var hosts);
        var truncated = Truncates && transport == "udp";
        var addresses = truncated || Failure != 0 ? [] : (hosts ?? []).Select(IPAddress.Parse)
            .Where(a => a.AddressFamily == (type == 1 ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6)).ToList();
        var code = Failure != 0 ? Failure : exists ? 0 : 3;
        List<byte> answer =
        [
            query[0], query[1], (byte)(0x81 | (truncated ? 2 : 0)), (byte)(0x80 | code), 0, 1, 0, (byte)addresses.Count, 0, 0, 0, 0,
            .. query[12..(end + 4)],
        ];
        foreach (var address in addresses)
        {
            var bytes = address.GetAddressBytes();
            answer.AddRange([0xC0, 12, 0, (byte)type, 0, 1, 0, 0, (byte)(TimeToLive >> 8), (byte)TimeToLive, 0, (byte)bytes.Length, .. bytes]);
        }

        return [.. answer];
    }

    private static (string Name, int End) ReadName(ReadOnlySpan<byte> query)
    {
        var labels = new List<string>();
        var at = 12;
        while (query[at] != 0)
        {
            labels.Add(Encoding.ASCII.GetString(query.Slice(at + 1, query[at])));
            at += query[at] + 1;
        }

        return (string.Join('.', labels), at + 1);
    }
}
