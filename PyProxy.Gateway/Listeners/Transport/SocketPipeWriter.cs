using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace PyProxy.Gateway.Listeners.Transport;

/// <summary>
/// Writes to a socket. A flush ends when the kernel has taken everything: there is no queue above the kernel's, so back pressure is the
/// client's own and whoever takes the connection over finds nothing on its way.
/// </summary>
internal sealed class SocketPipeWriter(Socket socket, MemoryPool<byte> pool) : PipeWriter
{
    private const int SegmentSize = 4096; // a block of ASP.NET Core's pinned pool

    /// <summary>Segments per system call; Linux takes up to 1024 (UIO_MAXIOV).</summary>
    private const int MaxGather = 64;

    private readonly Lock _gate = new();
    private readonly List<ArraySegment<byte>> _gather = [];
    private List<Segment> _filling = [];
    private List<Segment> _sending = [];
    private long _unflushed;

    private Task _send = Task.CompletedTask; // goes on when the flush that began it is cancelled
    private CancellationTokenSource? _flushing;
    private bool _cancelNextFlush;
    private volatile bool _failed;
    private volatile bool _completed;
    private volatile bool _detached;
    private volatile bool _throwsFailure;

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _unflushed;

    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(sizeHint);
        if (_filling.Count > 0)
        {
            var last = _filling[^1];
            var free = last.Owner.Memory[last.Length..];
            if (free.Length >= Math.Max(sizeHint, 1))
            {
                return free;
            }
        }

        var size = Math.Max(sizeHint, SegmentSize);
        var owner = size <= pool.MaxBufferSize ? pool.Rent(size) : MemoryPool<byte>.Shared.Rent(size);
        _filling.Add(new Segment(owner));
        return owner.Memory;
    }

    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public override void Advance(int bytes)
    {
        if (bytes == 0)
        {
            return;
        }

        ref var last = ref CollectionsMarshal.AsSpan(_filling)[^1];
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)bytes, (uint)(last.Owner.Memory.Length - last.Length), nameof(bytes));
        last.Length += bytes;
        _unflushed += bytes;
    }

    /// <summary>In one piece where it is larger than a block: a TLS record is.</summary>
    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
    {
        source.CopyTo(GetMemory(source.Length));
        Advance(source.Length);
        return FlushAsync(cancellationToken);
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<FlushResult>(cancellationToken);
        }

        lock (_gate)
        {
            if (_cancelNextFlush)
            {
                _cancelNextFlush = false;
                return new ValueTask<FlushResult>(Result(isCanceled: true));
            }
        }

        if (_send.IsCompleted)
        {
            _send = SendFilledAsync();
            if (_send.IsCompleted)
            {
                return new ValueTask<FlushResult>(Result(isCanceled: false));
            }
        }
        else
        {
            _send = SendBehindAsync(_send);
        }

        return WaitAsync(_send, cancellationToken);
    }

    public override void CancelPendingFlush()
    {
        lock (_gate)
        {
            if (_flushing is { } flushing)
            {
                // Asynchronously: what waits for the flush must not go on under the lock.
                _ = flushing.CancelAsync();
            }
            else
            {
                _cancelNextFlush = true;
            }
        }
    }

    /// <summary>
    /// From now on a flush throws where the connection has failed. TLS, which is written to by a tunnel, does not pass on what a result says, and
    /// the receiver may have taken the failure for an end, as the system tells of a reset only once.
    /// </summary>
    public void ThrowFailure() => _throwsFailure = true;

    /// <summary>From now on what is written is dropped: the socket is a tunnel's.</summary>
    public void Detach() => _detached = true;

    public override async ValueTask CompleteAsync(Exception? exception = null)
    {
        await FinishAsync();
        Complete(exception);
    }

    /// <summary>Ends the sending direction. What was not flushed waits for <see cref="FinishAsync"/>.</summary>
    public override void Complete(Exception? exception = null)
    {
        if (_completed || _filling.Count > 0 || !_send.IsCompleted)
        {
            return;
        }

        _completed = true;
        if (!_detached && !_failed)
        {
            SocketClose.EndSending(socket);
        }
    }

    /// <summary>Sends what is left and gives every buffer back.</summary>
    public async ValueTask FinishAsync()
    {
        await _send;
        _send = SendFilledAsync();
        await _send;
    }

    private async ValueTask<FlushResult> WaitAsync(Task send, CancellationToken cancellationToken)
    {
        using var flushing = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        lock (_gate)
        {
            _flushing = flushing;
        }

        var canceled = false;
        try
        {
            await send.WaitAsync(flushing.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            canceled = true;
        }
        finally
        {
            lock (_gate)
            {
                _flushing = null;
            }
        }

        return Result(canceled);
    }

    private FlushResult Result(bool isCanceled)
        => _failed && _throwsFailure ? throw new IOException("The client's connection has failed.") : new FlushResult(isCanceled, _failed);

    private async Task SendBehindAsync(Task before)
    {
        await before;
        await SendFilledAsync();
    }

    private async Task SendFilledAsync()
    {
        (_sending, _filling) = (_filling, _sending);
        _unflushed = 0;
        try
        {
            if (!_detached && !_failed && !_completed)
            {
                for (var start = 0; start < _sending.Count; start += MaxGather)
                {
                    await SendAsync(start, Math.Min(_sending.Count, start + MaxGather));
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The writer learns it from the result; the connection's end comes from the receiver, which finds the socket closed.
            _failed = true;
            socket.Dispose();
        }
        finally
        {
            foreach (var segment in _sending)
            {
                segment.Owner.Dispose();
            }

            _sending.Clear();
        }
    }

    private async ValueTask SendAsync(int start, int end)
    {
        _gather.Clear();
        long length = 0;
        for (var i = start; i < end; i++)
        {
            ReadOnlyMemory<byte> data = _sending[i].Data;
            length += data.Length;
            if (end - start > 1 && data.Length > 0 && MemoryMarshal.TryGetArray(data, out var array))
            {
                _gather.Add(array);
            }
        }

        // One system call for several segments, where the pool's memory allows it and the kernel takes all of it.
        long sent = _gather.Count == 0 ? 0 : await socket.SendAsync(_gather, SocketFlags.None);
        if (sent == length)
        {
            return;
        }

        for (var i = start; i < end; i++)
        {
            var data = _sending[i].Data;
            var skip = (int)Math.Min(sent, data.Length);
            sent -= skip;
            for (data = data[skip..]; data.Length > 0;)
            {
                data = data[await socket.SendAsync(data, SocketFlags.None)..];
            }
        }
    }

    private struct Segment(IMemoryOwner<byte> owner)
    {
        public IMemoryOwner<byte> Owner { get; } = owner;

        public int Length { get; set; }

        public readonly ReadOnlyMemory<byte> Data => Owner.Memory[..Length];
    }
}
