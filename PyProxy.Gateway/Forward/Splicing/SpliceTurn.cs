using System.Buffers;
using System.Net.Sockets;

namespace PyProxy.Gateway.Forward.Splicing;

/// <summary>One turn of a tunnel's direction in which bytes move inside the kernel, for as long as they keep coming.</summary>
internal static class SpliceTurn
{
    // What is copied in order to wait for a full socket. Small, because it is the only part that is copied; a send completes when there is room
    // for a third of the socket's buffer, which the next splice then fills.
    private const int WaitingBytes = 8 * 1024;

    // Fillings of the pipe before other tunnels get the thread: 4 MB.
    private const int Fillings = 8;

    /// <summary>Moves what there is, <paramref name="room"/> bytes at most, and tells <paramref name="tunnel"/> of what was passed on.</summary>
    /// <returns>How it ended, and how many bytes were taken from the sender.</returns>
    /// <exception cref="SocketException">The sender's connection has failed.</exception>
    public static async ValueTask<(SpliceResult Result, int Taken)> RunAsync(
        Tunnel tunnel, bool fromClient, NetworkStream from, NetworkStream to, int room, CancellationToken cancellationToken)
    {
        if (SplicePipe.TryRent() is not { } pipe)
        {
            return (SpliceResult.Unsupported, 0);
        }

        var taken = 0;
        try
        {
            for (var filling = 1; ; filling++)
            {
                // 1. Into the pipe
                var result = pipe.Fill(from.Socket, room - taken);
                if (result != SpliceResult.Moved)
                {
                    return (result, taken);
                }

                // 2. And out of it
                var count = pipe.Length;
                taken += count;
                while (pipe.Length > 0)
                {
                    var before = pipe.Length;
                    if (!await TryDrainAsync(pipe, to, cancellationToken))
                    {
                        return (SpliceResult.Unwritable, taken);
                    }

                    tunnel.Passed(fromClient, before - pipe.Length);
                }

                // 3. A pipe that was not filled has taken all that was pending: to ask again would be one more call for nothing.
                if (count < pipe.Capacity / 2 || taken == room || filling == Fillings)
                {
                    return (SpliceResult.Moved, taken);
                }
            }
        }
        finally
        {
            pipe.Return();
        }
    }

    /// <summary>Hands on some of what is in the pipe, waiting for the socket where it is full; false where its connection has failed.</summary>
    private static async ValueTask<bool> TryDrainAsync(SplicePipe pipe, NetworkStream to, CancellationToken cancellationToken)
    {
        byte[]? buffer = null;
        try
        {
            if (!pipe.TryDrain(to.Socket))
            {
                buffer = ArrayPool<byte>.Shared.Rent(WaitingBytes);
                var count = pipe.Read(buffer.AsSpan(0, WaitingBytes));
                await to.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
            }

            return true;
        }
        catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException or OperationCanceledException)
        {
            return false;
        }
        finally
        {
            if (buffer is not null)
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
    }
}
