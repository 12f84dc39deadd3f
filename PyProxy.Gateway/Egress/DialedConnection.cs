using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Egress;

/// <summary>A connection that <see cref="Dialer"/> has opened. It owns the socket; as <see cref="ITunnelLeg"/> it is a tunnel's far end.</summary>
internal sealed class DialedConnection : ITunnelLeg
{
    private NetworkStream? _stream;
    private SslStream? _tls;

    public DialedConnection(Socket socket, IPEndPoint remoteEndPoint)
    {
        Socket = socket;
        RemoteEndPoint = remoteEndPoint;
    }

    public Socket Socket { get; }

    /// <summary>The address that was dialed: for logs, not for answers to clients.</summary>
    public IPEndPoint RemoteEndPoint { get; }

    /// <summary>Whether the bytes go inside TLS to an upstream proxy.</summary>
    public bool IsInTls => _tls is not null;

    /// <summary>The connection's bytes. Disposing the stream closes the connection.</summary>
    public Stream Stream => _tls ?? (Stream)(_stream ??= new NetworkStream(Socket, ownsSocket: true));

    /// <summary>From here on <see cref="Stream"/> is inside TLS.</summary>
    public async ValueTask SecureAsync(SslClientAuthenticationOptions options, CancellationToken cancellationToken)
    {
        var tls = new SslStream(Stream, leaveInnerStreamOpen: false);
        try
        {
            await tls.AuthenticateAsClientAsync(options, cancellationToken);
        }
        catch
        {
            await tls.DisposeAsync();
            throw;
        }

        _tls = tls;
    }

    public async ValueTask ShutdownSendAsync(CancellationToken cancellationToken)
    {
        if (_tls is not null)
        {
            await _tls.ShutdownAsync(); // close_notify; reading goes on
        }

        // Nothing is buffered above the kernel: what was written leaves first, then the FIN.
        Socket.Shutdown(SocketShutdown.Send);
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

    public async ValueTask DisposeAsync()
    {
        if (_tls is not null)
        {
            await _tls.DisposeAsync();
        }

        Socket.Dispose();
    }
}
