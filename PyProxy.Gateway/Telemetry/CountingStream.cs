using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Telemetry;

/// <summary>
/// Counts what is read as bytes in and what is written as bytes out, on a stream of the client's side, and holds both back where a limit does.
/// </summary>
internal sealed class CountingStream(Stream inner, Exchange exchange) : Stream
{
    public override bool CanRead => inner.CanRead;

    public override bool CanWrite => inner.CanWrite;

    public override bool CanSeek => false;

    public override bool CanTimeout => inner.CanTimeout;

    public override int ReadTimeout { get => inner.ReadTimeout; set => inner.ReadTimeout = value; }

    public override int WriteTimeout { get => inner.WriteTimeout; set => inner.WriteTimeout = value; }

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (Limiter is { } limiter)
        {
            return ReadWithinLimitAsync(limiter, buffer, cancellationToken);
        }

        var read = inner.ReadAsync(buffer, cancellationToken);
        if (read.IsCompletedSuccessfully)
        {
            return new ValueTask<int>(CountIn(read.GetAwaiter().GetResult()));
        }

        return Awaited(this, read);

        static async ValueTask<int> Awaited(CountingStream self, ValueTask<int> read) => self.CountIn(await read);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(Span<byte> buffer) => CountIn(inner.Read(buffer));

    public override int Read(byte[] buffer, int offset, int count) => CountIn(inner.Read(buffer, offset, count));

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (Limiter is { } limiter)
        {
            return WriteWithinLimitAsync(limiter, buffer, cancellationToken);
        }

        CountOut(buffer.Length);
        return inner.WriteAsync(buffer, cancellationToken);
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
        => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        CountOut(buffer.Length);
        inner.Write(buffer);
    }

    public override void Write(byte[] buffer, int offset, int count)
    {
        CountOut(count);
        inner.Write(buffer, offset, count);
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    public override void Flush() => inner.Flush();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override async ValueTask DisposeAsync()
    {
        await inner.DisposeAsync(); // the base class alone would take the synchronous path
        await base.DisposeAsync();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>A tunnel's relay asks for itself.</summary>
    private ITransferLimiter? Limiter => exchange.IsTunnel ? null : exchange.Transfers;

    private async ValueTask<int> ReadWithinLimitAsync(ITransferLimiter limiter, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        // Reserved only when there is something to read: what waits for a slow client is taken from nobody. A caller that reads nothing first, as
        // YARP does, waits for its turn without a buffer.
#pragma warning disable CA2022 // There is nothing inexact about reading nothing.
        _ = await inner.ReadAsync(Memory<byte>.Empty, cancellationToken);
#pragma warning restore CA2022
        var allowed = await limiter.ReserveAsync(TransferDirection.Up, cancellationToken);
        if (buffer.Length == 0)
        {
            return 0;
        }

        var bytes = CountIn(await inner.ReadAsync(buffer[..Math.Min(buffer.Length, allowed)], cancellationToken));
        limiter.Moved(TransferDirection.Up, bytes);
        return bytes;
    }

    private async ValueTask WriteWithinLimitAsync(ITransferLimiter limiter, ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken)
    {
        while (buffer.Length > 0)
        {
            var count = Math.Min(buffer.Length, await limiter.ReserveAsync(TransferDirection.Down, cancellationToken));
            CountOut(count);
            await inner.WriteAsync(buffer[..count], cancellationToken);
            limiter.Moved(TransferDirection.Down, count);
            buffer = buffer[count..];
        }
    }

    private int CountIn(int bytes)
    {
        if (!exchange.IsTunnel)
        {
            exchange.AddBytesIn(bytes);
        }

        return bytes;
    }

    private void CountOut(int bytes)
    {
        if (!exchange.IsTunnel)
        {
            exchange.AddBytesOut(bytes);
        }
    }
}
