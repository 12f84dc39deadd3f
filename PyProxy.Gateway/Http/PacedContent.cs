using System.Net;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Http;

/// <summary>
/// An origin's response body that is read no faster than its exchange may pass it on. The limit itself is enforced where bytes go to the client;
/// this lets the copy in between wait before it has a buffer: YARP reads nothing first, and rents when that has returned.
/// </summary>
internal sealed class PacedContent : HttpContent
{
    private static readonly HttpRequestOptionsKey<ITransferLimiter> LimiterKey = new("PyProxy.Gateway.Transfers");

    private readonly HttpContent _inner;
    private readonly ITransferLimiter _limiter;

    private PacedContent(HttpContent inner, ITransferLimiter limiter)
    {
        _inner = inner;
        _limiter = limiter;
        foreach (var (name, values) in inner.Headers.NonValidated)
        {
            Headers.TryAddWithoutValidation(name, values);
        }
    }

    /// <summary>Has the answer to <paramref name="request"/> read at the pace of its exchange.</summary>
    public static void Ask(HttpRequestMessage request, ITransferLimiter limiter) => request.Options.Set(LimiterKey, limiter);

    public static void WrapIfAsked(HttpRequestMessage request, HttpResponseMessage response)
    {
        if (request.Options.TryGetValue(LimiterKey, out var limiter))
        {
            response.Content = new PacedContent(response.Content, limiter);
        }
    }

    protected override async Task<Stream> CreateContentReadStreamAsync() => new PacedStream(await _inner.ReadAsStreamAsync(), _limiter);

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => _inner.CopyToAsync(stream, context);

    protected override bool TryComputeLength(out long length)
    {
        length = _inner.Headers.ContentLength ?? 0;
        return _inner.Headers.ContentLength is not null;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _inner.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>Also the stream of an upgrade, which is written to as well: what goes that way was held back when it came from the client.</summary>
    private sealed class PacedStream(Stream inner, ITransferLimiter limiter) : Stream
    {
        public override bool CanRead => inner.CanRead;

        public override bool CanSeek => false;

        public override bool CanWrite => inner.CanWrite;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (buffer.Length == 0)
            {
#pragma warning disable CA2022 // There is nothing inexact about reading nothing.
                _ = await inner.ReadAsync(buffer, cancellationToken);
#pragma warning restore CA2022
                await limiter.ReserveAsync(TransferDirection.Down, cancellationToken);
                return 0;
            }

            var allowed = await limiter.ReserveAsync(TransferDirection.Down, cancellationToken);
            return await inner.ReadAsync(buffer[..Math.Min(buffer.Length, allowed)], cancellationToken);
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
            => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
            => inner.WriteAsync(buffer, cancellationToken);

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
            => inner.WriteAsync(buffer, offset, count, cancellationToken);

        public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

        public override void Flush() => inner.Flush();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override async ValueTask DisposeAsync()
        {
            await inner.DisposeAsync();
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
    }
}
