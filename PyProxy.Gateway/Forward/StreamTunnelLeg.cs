using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Forward;

/// <summary>The client's end of a tunnel inside an HTTP/2 stream (RFC 9113 §8.5): it reads the request's body and writes the response's.</summary>
internal sealed class StreamTunnelLeg : ITunnelLeg
{
    private readonly HttpContext _context;

    private StreamTunnelLeg(HttpContext context)
    {
        _context = context;
        Stream = new DuplexBodyStream(context.Request.Body, context.Response.Body);
    }

    public Stream Stream { get; }

    public static async ValueTask<ITunnelLeg> AcceptAsync(HttpContext context)
    {
        // What the server does for requests would end a tunnel that is idle, slow or long.
        if (context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } requestRate)
        {
            requestRate.MinDataRate = null;
        }

        if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } responseRate)
        {
            responseRate.MinDataRate = null;
        }

        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            size.MaxRequestBodySize = null;
        }

        context.Features.GetRequiredFeature<IHttpResponseBodyFeature>().DisableBuffering();
        await context.Response.StartAsync(context.RequestAborted);
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted); // StartAsync alone does not send the head
        return new StreamTunnelLeg(context);
    }

    public ValueTask ShutdownSendAsync(CancellationToken cancellationToken) => new(_context.Response.CompleteAsync());

    public void Abort() => _context.Abort();

    /// <summary>The server ends the stream when the request's handling ends.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private sealed class DuplexBodyStream(Stream input, Stream output) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
            => input.ReadAsync(buffer, cancellationToken);

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
            => input.ReadAsync(buffer, offset, count, cancellationToken);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
            => output.WriteAsync(buffer, cancellationToken);

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
            => output.WriteAsync(buffer, offset, count, cancellationToken);

        public override Task FlushAsync(CancellationToken cancellationToken) => output.FlushAsync(cancellationToken);

        public override void Flush() => throw new NotSupportedException();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
