using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace PyProxy.Gateway.Listeners.Transport;

/// <summary>Moves what arrives on a socket into a pipe, until the client ends, the socket fails or it is told to stop.</summary>
internal sealed class SocketReceiver(Socket socket, PipeWriter output) : IDisposable
{
    private readonly CancellationTokenSource _stop = new();

    /// <summary>Ends when nothing more will be received; the pipe is complete then. Never fails: how it ended, the pipe's reader learns.</summary>
    public async Task RunAsync()
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
            var count = await socket.ReceiveAsync(output.GetMemory(), SocketFlags.None, cancellationToken);
            if (count == 0)
            {
                return;
            }

            output.Advance(count);
            var result = await output.FlushAsync(CancellationToken.None);
            if (result.IsCompleted)
            {
                return;
            }
        }
    }
}
