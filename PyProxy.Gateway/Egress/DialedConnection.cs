using System.Net;
using System.Net.Sockets;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Egress;

/// <summary>A connection that <see cref="Dialer"/> has opened. It owns the socket; as <see cref="ITunnelLeg"/> it is a tunnel's far end.</summary>
internal sealed class DialedConnection : ITunnelLeg
{
    private NetworkStream? _stream;

    public DialedConnection(Socket socket, IPEndPoint remoteEndPoint)
    {
        Socket = socket;
        RemoteEndPoint = remoteEndPoint;
    }

    public Socket Socket { get; }

    /// <summary>The address that was dialed: for logs, not for answers to clients.</summary>
    public IPEndPoint RemoteEndPoint { get; }

    /// <summary>The connection's bytes. Disposing the stream closes the connection.</summary>
    public Stream Stream => _stream ??= new NetworkStream(Socket, ownsSocket: true);

    public ValueTask ShutdownSendAsync(CancellationToken cancellationToken)
    {
        // Nothing is buffered above the kernel: what was written leaves first, then the FIN.
        Socket.Shutdown(SocketShutdown.Send);
        return ValueTask.CompletedTask;
    }

    public void Abort()
    {
        try
        {
            Socket.LingerState = new LingerOption(enable: true, seconds: 0);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Already closed, or reset by the peer: there is nothing left to reset.
        }

        Socket.Dispose();
    }

    public ValueTask DisposeAsync()
    {
        Socket.Dispose();
        return ValueTask.CompletedTask;
    }
}
