using System.Net.Security;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Listeners.Transport;

/// <summary>
/// Takes over what runs inside TLS. The connection below goes on receiving into its pipe, for the <see cref="SslStream"/> reads there; the
/// end of the socket is Kestrel's, which ends TLS first.
/// </summary>
internal sealed class TlsTakeover(ClientConnection connection, DetachableTransport transport, SslStream stream) : IConnectionTakeover
{
    public async ValueTask<ITunnelLeg> TakeAsync(ReadOnlyMemory<byte> greeting, CancellationToken ct)
    {
        connection.BeginTlsTunnel();
        try
        {
            var received = transport.Detach();
            await stream.WriteAsync(greeting, ct);
            return new Leg(connection, stream, received);
        }
        catch
        {
            connection.ResetTunnel();
            throw;
        }
    }

    public void ExpectTunnel(bool isExpected) => connection.ExpectTunnel(isExpected);

    public void RunBehindRequest(Func<Task> tunnel) => connection.RunBehindRequest(tunnel);

    private sealed class Leg : ITunnelLeg
    {
        private readonly ClientConnection _connection;
        private readonly SslStream _tls;
        private readonly CancellationTokenRegistration _serverStop;
        private bool _sendingEnded;

        public Leg(ClientConnection connection, SslStream tls, byte[] received)
        {
            _connection = connection;
            _tls = tls;
            Stream = PrefixedStream.Create(received, tls);
            _serverStop = connection.AbortWithServer(this);
        }

        public Stream Stream { get; }

        public async ValueTask ShutdownSendAsync(CancellationToken cancellationToken)
        {
            _sendingEnded = true;
            await _tls.ShutdownAsync().WaitAsync(cancellationToken);
        }

        public void Abort() => _connection.ResetTunnel();

        public async ValueTask DisposeAsync()
        {
            await _serverStop.DisposeAsync();
            if (_sendingEnded)
            {
                return;
            }

            try
            {
                await _tls.ShutdownAsync();
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
            {
                // The client is gone: no close_notify reaches it.
            }
        }
    }
}
