using System.Net.Sockets;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Listeners.Transport;

/// <summary>The client's end of a tunnel, right on its socket.</summary>
internal sealed class SocketTunnelLeg : ITunnelLeg
{
    private readonly ClientConnection _connection;
    private readonly CancellationTokenRegistration _serverStop;

    public SocketTunnelLeg(ClientConnection connection, Stream stream)
    {
        _connection = connection;
        Stream = stream;
        _serverStop = connection.AbortWithServer(this);
    }

    public Stream Stream { get; }

    public ValueTask ShutdownSendAsync(CancellationToken cancellationToken)
    {
        // Nothing is buffered above the kernel: what was written leaves first, then the FIN.
        _connection.Socket.Shutdown(SocketShutdown.Send);
        return ValueTask.CompletedTask;
    }

    public void Abort() => _connection.ResetTunnel();

    public async ValueTask DisposeAsync()
    {
        await _serverStop.DisposeAsync();
        await _connection.CloseTunnelAsync();
        await Stream.DisposeAsync();
    }
}
