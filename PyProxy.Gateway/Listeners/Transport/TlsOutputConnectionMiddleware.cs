using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;

namespace PyProxy.Gateway.Listeners.Transport;

/// <summary>
/// Has what is written inside TLS leave in full records. Kestrel's own output hands each of its blocks of 4 KB to TLS by itself, so that a body of
/// 64 KB costs sixteen records, each with its own encryption, tag and system call. What it saves: docs/performance.md.
/// </summary>
internal sealed class TlsOutputConnectionMiddleware(ConnectionDelegate next)
{
    // What fits into one record (RFC 8446, section 5.1).
    private const int RecordSize = 16 * 1024;

    // Rented for as long as something waits to be flushed: an idle connection holds none.
    private static readonly StreamPipeWriterOptions Options = new(MemoryPool<byte>.Shared, RecordSize, leaveOpen: true);

    public async Task OnConnectionAsync(ConnectionContext context)
    {
        if (context.Features.Get<ISslStreamFeature>() is not { } tls)
        {
            await next(context);
            return;
        }

        var original = context.Transport;
        context.Transport = new AdaptedTransport(original.Input, PipeWriter.Create(tls.SslStream, Options));
        try
        {
            await next(context);
        }
        finally
        {
            context.Transport = original;
        }
    }
}
