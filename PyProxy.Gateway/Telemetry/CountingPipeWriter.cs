using System.IO.Pipelines;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Telemetry;

/// <summary>Counts what is written; memory comes straight from the server's own writer. Where a limit holds bytes back, flushing waits.</summary>
internal sealed class CountingPipeWriter(PipeWriter inner, Exchange exchange) : PipeWriter
{
    public override bool CanGetUnflushedBytes => inner.CanGetUnflushedBytes;

    public override long UnflushedBytes => inner.UnflushedBytes;

    public override void Advance(int bytes)
    {
        inner.Advance(bytes);
        Count(bytes);
    }

    public override Memory<byte> GetMemory(int sizeHint = 0) => inner.GetMemory(sizeHint);

    public override Span<byte> GetSpan(int sizeHint = 0) => inner.GetSpan(sizeHint);

    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
    {
        Count(source.Length);
        return exchange is { IsTunnel: false, Transfers: { } limiter }
            ? WriteWithinLimitAsync(limiter, source, cancellationToken)
            : inner.WriteAsync(source, cancellationToken);
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
        => exchange is { IsTunnel: false, Transfers: { } limiter }
            ? FlushWithinLimitAsync(limiter, cancellationToken)
            : inner.FlushAsync(cancellationToken);

    public override void CancelPendingFlush() => inner.CancelPendingFlush();

    public override void Complete(Exception? exception = null) => inner.Complete(exception);

    public override ValueTask CompleteAsync(Exception? exception = null) => inner.CompleteAsync(exception);

    private async ValueTask<FlushResult> WriteWithinLimitAsync(
        ITransferLimiter limiter, ReadOnlyMemory<byte> source, CancellationToken cancellationToken)
    {
        await AwaitTurnAsync(limiter, cancellationToken);
        return await inner.WriteAsync(source, cancellationToken);
    }

    private async ValueTask<FlushResult> FlushWithinLimitAsync(ITransferLimiter limiter, CancellationToken cancellationToken)
    {
        await AwaitTurnAsync(limiter, cancellationToken);
        return await inner.FlushAsync(cancellationToken);
    }

    // What was written is charged already; the turn comes when the debt is paid.
    private static async ValueTask AwaitTurnAsync(ITransferLimiter limiter, CancellationToken cancellationToken)
    {
        await limiter.ReserveAsync(TransferDirection.Down, cancellationToken);
        limiter.Moved(TransferDirection.Down, 0);
    }

    private void Count(int bytes)
    {
        if (!exchange.IsTunnel)
        {
            exchange.AddBytesOut(bytes);
            exchange.Transfers?.Moved(TransferDirection.Down, bytes);
        }
    }
}
