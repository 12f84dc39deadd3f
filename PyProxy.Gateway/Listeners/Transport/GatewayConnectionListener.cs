using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace PyProxy.Gateway.Listeners.Transport;

/// <summary>Accepts connections on one listening socket.</summary>
internal sealed class GatewayConnectionListener : IConnectionListener
{
    /// <summary>
    /// Pause when the process has no file descriptor left. Without one, accept would fail again at once and keep a core busy.
    /// </summary>
    private static readonly TimeSpan ExhaustedPause = TimeSpan.FromMilliseconds(100);

    private static readonly TimeSpan LogInterval = TimeSpan.FromSeconds(1);

    private readonly Socket _socket;
    private readonly bool _noDelay;
    private readonly MemoryPool<byte> _pool;
    private readonly TimeProvider _timeProvider;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stopped = new();
    private volatile bool _unbound;
    private long? _exhaustionLogged;

    public GatewayConnectionListener(
        Socket socket, EndPoint endPoint, bool noDelay, MemoryPool<byte> pool, TimeProvider timeProvider, ILogger logger)
    {
        _socket = socket;
        _noDelay = noDelay;
        _pool = pool;
        _timeProvider = timeProvider;
        _logger = logger;

        // The port that port 0 became; a file handle stays what the configuration called it.
        EndPoint = endPoint is FileHandleEndPoint ? endPoint : socket.LocalEndPoint ?? endPoint;
    }

    public EndPoint EndPoint { get; }

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (!_unbound)
        {
            try
            {
                return Open(await _socket.AcceptAsync(cancellationToken));
            }
            catch (Exception e) when (_unbound && e is SocketException or ObjectDisposedException)
            {
                return null;
            }
            catch (SocketException e) when (IsExhaustion(e.SocketErrorCode))
            {
                LogExhaustion(e);
                await Task.Delay(ExhaustedPause, _timeProvider, cancellationToken);
            }
            catch (SocketException e)
            {
                // The client left between its SYN and this accept. That is its end, not the listener's.
                TransportLog.AcceptFailed(_logger, EndPoint, e);
            }
        }

        return null;
    }

    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        _unbound = true;
        _socket.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>Comes when the server has waited for its connections long enough: tunnels that are still open are reset.</summary>
    public async ValueTask DisposeAsync()
    {
        await UnbindAsync(CancellationToken.None);
        await _stopped.CancelAsync();
    }

    private ClientConnection Open(Socket accepted)
    {
        try
        {
            if (accepted.LocalEndPoint is IPEndPoint)
            {
                accepted.NoDelay = _noDelay;
            }

            var connection = new ClientConnection(accepted, _pool, _timeProvider, _stopped.Token);
            connection.Start();
            return connection;
        }
        catch
        {
            accepted.Dispose(); // reset by the client already: its addresses and options are gone
            throw;
        }
    }

    private static bool IsExhaustion(SocketError error)
        => error is SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable;

    private void LogExhaustion(SocketException exception)
    {
        var now = _timeProvider.GetTimestamp();
        if (_exhaustionLogged is { } last && _timeProvider.GetElapsedTime(last, now) < LogInterval)
        {
            return;
        }

        _exhaustionLogged = now;
        TransportLog.Exhausted(_logger, EndPoint, exception);
    }
}

internal static partial class TransportLog
{
    [LoggerMessage(1, LogLevel.Error, "No connection can be accepted on {EndPoint}: the process has no file descriptor or buffer left.",
        EventName = "AcceptExhausted")]
    public static partial void Exhausted(ILogger logger, EndPoint endPoint, Exception exception);

    [LoggerMessage(2, LogLevel.Debug, "A client of {EndPoint} left before its connection was accepted.", EventName = "AcceptFailed")]
    public static partial void AcceptFailed(ILogger logger, EndPoint endPoint, Exception exception);
}
