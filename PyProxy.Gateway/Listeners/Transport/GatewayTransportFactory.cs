using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;

namespace PyProxy.Gateway.Listeners.Transport;

/// <summary>
/// Kestrel's stream sockets, with connections that can be taken over. Follows the framework's <see cref="SocketTransportOptions"/> for how
/// a listening socket is made.
/// </summary>
internal sealed class GatewayTransportFactory : IConnectionListenerFactory, IConnectionListenerFactorySelector, IDisposable
{
    private readonly SocketTransportOptions _options;
    private readonly MemoryPool<byte> _pool;
    private readonly TimeProvider _timeProvider;
    private readonly ILogger<GatewayTransportFactory> _logger;

    public GatewayTransportFactory(
        IOptions<SocketTransportOptions> options,
        IServiceProvider services,
        ILogger<GatewayTransportFactory> logger)
    {
        _options = options.Value;
        _pool = services.GetService<IMemoryPoolFactory<byte>>()?.Create() ?? MemoryPool<byte>.Shared;
        _timeProvider = services.GetService<TimeProvider>() ?? TimeProvider.System;
        _logger = logger;
    }

    public bool CanBind(EndPoint endpoint) => endpoint is IPEndPoint or UnixDomainSocketEndPoint or FileHandleEndPoint;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        Socket? socket = null;
        try
        {
            socket = _options.CreateBoundListenSocket(endpoint);
            socket.Listen(_options.Backlog);
            return ValueTask.FromResult<IConnectionListener>(
                new GatewayConnectionListener(socket, endpoint, _options.NoDelay, _pool, _timeProvider, _logger));
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            socket?.Dispose();
            throw new AddressInUseException(e.Message, e); // what Kestrel explains to whoever started it
        }
        catch
        {
            socket?.Dispose();
            throw;
        }
    }

    public void Dispose() => _pool.Dispose();
}
