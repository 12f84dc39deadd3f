using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Listeners.Transport;

/// <summary>Replaces the takeover of a connection by one of what TLS has decrypted.</summary>
internal sealed class TlsTakeoverMiddleware(ConnectionDelegate next)
{
    public async Task OnConnectionAsync(ConnectionContext context)
    {
        var features = context.Features;
        if (features.Get<ISslStreamFeature>() is not { } tls || features.Get<IConnectionTakeover>() is not ClientConnection connection)
        {
            await next(context);
            return;
        }

        if (features.Get<ITlsApplicationProtocolFeature>() is { } alpn && alpn.ApplicationProtocol.Span.SequenceEqual("h2"u8))
        {
            features.Set<ITunnelFeature>(null); // many requests share the connection: none of them may have it
            await next(context);
            return;
        }

        var original = context.Transport;
        var transport = new DetachableTransport(original);
        context.Transport = transport;
        features.Set<IConnectionTakeover>(new TlsTakeover(connection, transport, tls.SslStream));
        try
        {
            await next(context);
        }
        finally
        {
            context.Transport = original;
            features.Set<IConnectionTakeover>(connection);
        }
    }
}
