using System.Buffers;
using System.IO.Pipelines;

namespace PyProxy.Gateway.Listeners.Transport;

/// <summary>A transport that can be taken away from its user, who then reads the end and writes to nobody.</summary>
internal sealed class DetachableTransport : IDuplexPipe
{
    private readonly Reader _input;
    private readonly Writer _output;

    public DetachableTransport(IDuplexPipe inner)
    {
        _input = new Reader(inner.Input);
        _output = new Writer(inner.Output);
    }

    public PipeReader Input => _input;

    public PipeWriter Output => _output;

    /// <summary>What has been received and not read; to be called when no read is under way.</summary>
    public byte[] Detach()
    {
        _output.IsDetached = true;
        return _input.Detach();
    }

    private sealed class Reader(PipeReader inner) : PipeReader
    {
        private static readonly ReadResult End = new(ReadOnlySequence<byte>.Empty, isCanceled: false, isCompleted: true);
        private volatile bool _detached;

        public byte[] Detach()
        {
            _detached = true;
            while (inner.TryRead(out var read))
            {
                var received = read.Buffer.ToArray();
                inner.AdvanceTo(read.Buffer.End);
                if (received.Length > 0 || read.IsCompleted)
                {
                    return received;
                }
            }

            return [];
        }

        public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
            => _detached ? new ValueTask<ReadResult>(End) : inner.ReadAsync(cancellationToken);

        public override bool TryRead(out ReadResult result)
        {
            result = End;
            return _detached || inner.TryRead(out result);
        }

        public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
        {
            if (!_detached)
            {
                inner.AdvanceTo(consumed, examined);
            }
        }

        public override void CancelPendingRead()
        {
            if (!_detached)
            {
                inner.CancelPendingRead();
            }
        }

        public override void Complete(Exception? exception = null)
        {
            if (!_detached)
            {
                inner.Complete(exception);
            }
        }
    }

    private sealed class Writer(PipeWriter inner) : PipeWriter
    {
        private readonly ArrayBufferWriter<byte> _dropped = new();
        private volatile bool _detached;

        public bool IsDetached
        {
            get => _detached;
            set => _detached = value;
        }

        public override bool CanGetUnflushedBytes => inner.CanGetUnflushedBytes;

        public override long UnflushedBytes => _detached ? 0 : inner.UnflushedBytes;

        public override Memory<byte> GetMemory(int sizeHint = 0) => _detached ? _dropped.GetMemory(sizeHint) : inner.GetMemory(sizeHint);

        public override Span<byte> GetSpan(int sizeHint = 0) => _detached ? _dropped.GetSpan(sizeHint) : inner.GetSpan(sizeHint);

        public override void Advance(int bytes)
        {
            if (!_detached)
            {
                inner.Advance(bytes);
            }
        }

        public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
            => _detached ? default : inner.FlushAsync(cancellationToken);

        public override void CancelPendingFlush() => inner.CancelPendingFlush();

        public override void Complete(Exception? exception = null)
        {
            if (!_detached)
            {
                inner.Complete(exception);
            }
        }

        public override ValueTask CompleteAsync(Exception? exception = null) => _detached ? default : inner.CompleteAsync(exception);
    }
}
