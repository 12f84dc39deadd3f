using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Listeners.Connect;

/// <summary>Puts a <see cref="ConnectHeadPipeReader"/> between the connection and Kestrel's HTTP layer.</summary>
internal sealed class ConnectHeadConnectionMiddleware(ConnectionDelegate next)
{
    public async Task OnConnectionAsync(ConnectionContext context)
    {
        // HTTP/2 has no heads of this form, and its CONNECT no Host. Where it comes without TLS its preface passes untouched.
        if (context.Features.Get<ITlsApplicationProtocolFeature>() is { } tls && tls.ApplicationProtocol.Span.SequenceEqual("h2"u8))
        {
            await next(context);
            return;
        }

        var original = context.Transport;
        var reader = new ConnectHeadPipeReader(original.Input, context.Features.Get<IConnectionTakeover>());
        context.Transport = new AdaptedTransport(reader, original.Output);
        context.Features.Set<IRequestBoundaryFeature>(reader);
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
