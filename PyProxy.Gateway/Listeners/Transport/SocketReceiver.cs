using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace PyProxy.Gateway.Listeners.Transport;

/// <summary>How a client came to send no more.</summary>
internal enum ReceivingEnd
{
    /// <summary>It ended its direction; or receiving was stopped on this side.</summary>
    Ended = 0,

    /// <summary>It ended its direction, and what it sent last began like a CONNECT.</summary>
    BehindConnect,

    /// <summary>The connection broke.</summary>
    Failed,
}

/// <summary>Moves what arrives on a socket into a pipe, until the client ends, the socket fails or it is told to stop.</summary>
internal sealed class SocketReceiver(Socket socket, PipeWriter output) : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private bool _lastBeganLikeConnect; // no opinion on framing: it decides nothing but whether an end is taken for a client's leaving

    /// <summary>Ends when nothing more will be received; the pipe is complete then. Never fails: how it ended, the pipe's reader learns.</summary>
    public async Task<ReceivingEnd> RunAsync()
    {
        Exception? error = null;
        try
        {
            await ReceiveAsync(_stop.Token);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Told to stop; nothing that was received is lost, as a cancelled receive has taken nothing from the socket.
        }
        catch (SocketException e)
        {
            error = new ConnectionResetException(e.Message, e);
        }
        catch (ObjectDisposedException e)
        {
            error = new ConnectionAbortedException("The connection was closed on this side.", e);
        }
        catch (Exception e)
        {
            error = e;
        }

        await output.CompleteAsync(error);
        return error is not null ? ReceivingEnd.Failed : _lastBeganLikeConnect ? ReceivingEnd.BehindConnect : ReceivingEnd.Ended;
    }

    /// <summary>Makes <see cref="RunAsync"/> end. What has been received by then is in the pipe.</summary>
    public void Stop()
    {
        _stop.Cancel();
        output.CancelPendingFlush(); // may wait for a reader that reads no more
    }

    public void Dispose() => _stop.Dispose();

    private async Task ReceiveAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            // An idle connection holds no buffer: wait for data first.
            await socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None, cancellationToken);
            var room = output.GetMemory();
            var count = await socket.ReceiveAsync(room, SocketFlags.None, cancellationToken);
            if (count == 0)
            {
                return;
            }

            _lastBeganLikeConnect = room.Span[..count].StartsWith("CONNECT "u8);

            output.Advance(count);
            var result = await output.FlushAsync(CancellationToken.None);
            if (result.IsCompleted)
            {
                return;
            }
        }
    }
}
