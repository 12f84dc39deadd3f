using System.Net;
using System.Net.Sockets;
using PyProxy.Gateway.Egress;

namespace PyProxy.Gateway.Tests.Forward;

/// <summary>A TCP connection on loopback: the far end for the test, the near end as a tunnel's leg.</summary>
internal sealed class SocketLeg : IDisposable
{
    private readonly NetworkStream _stream; // made before a shutdown: later it could not be

    private SocketLeg(Socket far, Socket near)
    {
        Far = far;
        _stream = new NetworkStream(far);
        Near = new DialedConnection(near, (IPEndPoint)near.RemoteEndPoint!);
    }

    public Socket Far { get; }

    public DialedConnection Near { get; }

    public static async Task<SocketLeg> CreateAsync()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var far = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await far.ConnectAsync((IPEndPoint)listener.LocalEndpoint, TestContext.Current.CancellationToken);
        return new SocketLeg(far, await listener.AcceptSocketAsync(TestContext.Current.CancellationToken));
    }

    public async Task<byte[]> ReadToEndAsync()
    {
        using var received = new MemoryStream();
        await _stream.CopyToAsync(received, TestContext.Current.CancellationToken).WaitAsync(TunnelRelayTests.Patience, TestContext.Current.CancellationToken);
        return received.ToArray();
    }

    public async Task<string> ReadAsync(int count)
    {
        var buffer = new byte[count];
        await _stream.ReadExactlyAsync(buffer, TestContext.Current.CancellationToken).AsTask().WaitAsync(TunnelRelayTests.Patience, TestContext.Current.CancellationToken);
        return System.Text.Encoding.ASCII.GetString(buffer);
    }

    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[await Far.SendAsync(bytes, TestContext.Current.CancellationToken)..];
        }
    }

    public void Reset()
    {
        Far.LingerState = new LingerOption(enable: true, seconds: 0);
        Far.Dispose();
    }

    public async Task AssertResetAsync()
    {
        var failure = await Assert.ThrowsAsync<SocketException>(() => Far.ReceiveAsync(new byte[8], TestContext.Current.CancellationToken)
            .AsTask().WaitAsync(TunnelRelayTests.Patience, TestContext.Current.CancellationToken));
        Assert.Equal(SocketError.ConnectionReset, failure.SocketErrorCode);
    }

    public void Dispose()
    {
        _stream.Dispose();
        Far.Dispose();
        Near.Socket.Dispose();
    }
}
