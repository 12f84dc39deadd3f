using System.Buffers;
using System.Net.Sockets;

namespace PyProxy.Gateway.Listeners.Transport;

/// <summary>The ways in which a connection's socket is closed.</summary>
internal static class SocketClose
{
    /// <summary>How much and how long a client that is still sending is listened to, so that it gets to read the last answer.</summary>
    private const int LingerBytes = 64 * 1024;

    private static readonly TimeSpan LingerTimeout = TimeSpan.FromSeconds(1);

    /// <summary>FIN behind everything that was sent.</summary>
    public static void EndSending(Socket socket)
    {
        try
        {
            socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The client has reset the connection, or it was closed: there is nobody to tell.
        }
    }

    /// <summary>
    /// FIN, then close. A close with received bytes unread would send an RST, on which the client's stack drops what it has not read.
    /// </summary>
    public static async ValueTask GracefullyAsync(Socket socket, TimeProvider timeProvider)
    {
        EndSending(socket);
        try
        {
            if (socket.Available > 0)
            {
                await DiscardAsync(socket, timeProvider);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // Reset, closed, or a client that does not stop: it has had its chance.
        }

        socket.Dispose();
    }

    /// <summary>Both directions end now: RST where data is unread, FIN where not.</summary>
    public static void Abruptly(Socket socket)
    {
        try
        {
            socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Ended already.
        }

        socket.Dispose();
    }

    /// <summary>RST, so that the client does not take a broken stream for a complete one.</summary>
    public static void Reset(Socket socket)
    {
        try
        {
            socket.LingerState = new LingerOption(enable: true, seconds: 0);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Already closed, or reset by the client: there is nothing left to reset.
        }

        socket.Dispose();
    }

    private static async ValueTask DiscardAsync(Socket socket, TimeProvider timeProvider)
    {
        using var deadline = new CancellationTokenSource(LingerTimeout, timeProvider);
        var buffer = ArrayPool<byte>.Shared.Rent(4096);
        try
        {
            for (var discarded = 0; discarded < LingerBytes;)
            {
                var count = await socket.ReceiveAsync(buffer, SocketFlags.None, deadline.Token);
                if (count == 0)
                {
                    return;
                }

                discarded += count;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
