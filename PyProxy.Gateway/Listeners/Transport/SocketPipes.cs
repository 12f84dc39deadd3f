using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace PyProxy.Gateway.Listeners.Transport;

/// <summary>What stands between a socket and the HTTP layer: a receiver that fills a pipe, and a writer. A tunnel needs neither.</summary>
internal sealed class SocketPipes : IDuplexPipe, IAsyncDisposable
{
    /// <summary>Received and unread bytes at which receiving pauses; the default of Kestrel's own transport.</summary>
    private const long PauseThreshold = 1024 * 1024;

    private readonly Pipe _input;
    private readonly SocketPipeWriter _output;
    private readonly SocketReceiver _receiver;
    private Task _receiving = Task.CompletedTask;

    public SocketPipes(Socket socket, MemoryPool<byte> pool)
    {
        // The reader goes on elsewhere: a handler that blocks, or takes the connection over, must not stand on the receiver's stack.
        _input = new Pipe(new PipeOptions(
            pool, PipeScheduler.ThreadPool, PipeScheduler.ThreadPool, PauseThreshold, PauseThreshold / 2, useSynchronizationContext: false));
        _output = new SocketPipeWriter(socket, pool);
        _receiver = new SocketReceiver(socket, _input.Writer);
    }

    public PipeReader Input => _input.Reader;

    public PipeWriter Output => _output;

    /// <param name="ended">Called when nothing more will be received.</param>
    public void Start(Action<ReceivingEnd> ended) => _receiving = ReceiveAsync(ended);

    /// <inheritdoc cref="SocketReceiver.Judged"/>
    public void Judged() => _receiver.Judged();

    public void PauseReceiving(TimeProvider time) => _receiver.Pause(time);

    /// <summary>Ends receiving. Nobody else reads the socket then.</summary>
    /// <returns>What has been received and not read.</returns>
    public async ValueTask<byte[]> StopReceivingAsync()
    {
        _receiver.Stop();
        await _receiving;

        // The pipe is complete, so this does not wait. A read that Kestrel has cancelled (the server stops) is no read.
        ReadResult read;
        while ((read = await _input.Reader.ReadAsync(CancellationToken.None)).IsCanceled)
        {
            _input.Reader.AdvanceTo(read.Buffer.Start);
        }

        // Copied, so that the HTTP layer, which reads again when its request ends, finds an end and nothing to take for a request.
        var received = read.Buffer.ToArray();
        _input.Reader.AdvanceTo(read.Buffer.End);
        return received;
    }

    /// <summary>Writes the last of this side's words, behind everything that was written before; what is written afterwards is dropped.</summary>
    public async ValueTask WriteLastAsync(ReadOnlyMemory<byte> words, CancellationToken ct)
    {
        var result = await _output.WriteAsync(words, ct);
        if (result.IsCompleted)
        {
            throw new ConnectionResetException("The client left before its tunnel stood.");
        }

        _output.Detach();
    }

    /// <inheritdoc cref="SocketPipeWriter.ThrowFailure"/>
    public void ThrowFailure() => _output.ThrowFailure();

    /// <summary>Sends what was written and gives every buffer back.</summary>
    public async ValueTask DisposeAsync()
    {
        await _output.CompleteAsync();
        await _input.Reader.CompleteAsync();
        _receiver.Stop();
        await _receiving;
        _receiver.Dispose();
    }

    private async Task ReceiveAsync(Action<ReceivingEnd> ended) => ended(await _receiver.RunAsync());
}
