using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using PyProxy.Gateway.Listeners.Socks;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Listeners.Transport;

/// <summary>How a client came to send no more.</summary>
internal enum ReceivingEnd
{
    /// <summary>It ended its direction; or receiving was stopped on this side.</summary>
    Ended = 0,

    /// <summary>It ended its direction, and something that it sent and nobody has judged yet began like a CONNECT, or what it sent first like SOCKS5.</summary>
    BehindTunnelRequest,

    /// <summary>The connection broke.</summary>
    Failed,
}

/// <summary>Moves what arrives on a socket into a pipe, until the client ends, the socket fails or it is told to stop.</summary>
internal sealed class SocketReceiver(Socket socket, PipeWriter output) : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private volatile ReceivePause? _pause;

    // No opinions on framing: they decide nothing but whether an end is taken for a client's leaving. Its end may be here before any adapter is.
    private volatile bool _beganLikeConnect;
    private bool? _firstBeganLikeSocks;

    private bool AskedForTunnel => _beganLikeConnect || _firstBeganLikeSocks == true;

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
        return error is not null ? ReceivingEnd.Failed : AskedForTunnel ? ReceivingEnd.BehindTunnelRequest : ReceivingEnd.Ended;
    }

    /// <summary>Makes <see cref="RunAsync"/> end. What has been received by then is in the pipe.</summary>
    public void Stop()
    {
        _stop.Cancel();
        output.CancelPendingFlush(); // may wait for a reader that reads no more
    }

    /// <summary>What has been received so far has been read, and judged by somebody who understands it.</summary>
    public void Judged() => _beganLikeConnect = false;

    /// <summary>Leaves what the client sends next where it is for a while (<see cref="IRefusedConnectionFeature"/>).</summary>
    public void Pause(TimeProvider time)
    {
        var pause = _pause ?? new ReceivePause(time);
        pause.Begin();
        _pause = pause;
    }

    public void Dispose() => _stop.Dispose();

    private async Task ReceiveAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            // An idle connection holds no buffer: wait for data first.
            await socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None, cancellationToken);
            if (_pause is { } pause)
            {
                await pause.WaitAsync(cancellationToken);
            }

            var room = output.GetMemory();
            var count = await socket.ReceiveAsync(room, SocketFlags.None, cancellationToken);
            if (count == 0)
            {
                return;
            }

            Note(room.Span[..count]);

            output.Advance(count);
            var result = await output.FlushAsync(CancellationToken.None);
            if (result.IsCompleted)
            {
                return;
            }
        }
    }

    private void Note(ReadOnlySpan<byte> received)
    {
        if (received.StartsWith("CONNECT "u8))
        {
            _beganLikeConnect = true;
        }

        _firstBeganLikeSocks ??= received[0] == SocksVersions.Socks5;
    }
}
