using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Listeners.Transport;

/// <summary>
/// Runs the tunnel that a request has left on its connection, when the HTTP layer has ended; the server goes on counting the connection and
/// waiting for it. Behind TLS it replaces the takeover of the connection by one of what TLS has decrypted.
/// </summary>
internal sealed class TunnelConnectionMiddleware(ConnectionDelegate next)
{
    public Task OnConnectionAsync(ConnectionContext context)
    {
        var features = context.Features;
        if (features.Get<IConnectionTakeover>() is not ClientConnection connection)
        {
            return next(context);
        }

        if (features.Get<ITlsApplicationProtocolFeature>() is { } alpn && alpn.ApplicationProtocol.Span.SequenceEqual("h2"u8))
        {
            features.Set<ITunnelFeature>(null); // many requests share the connection: none of them may have it
            return next(context);
        }

        return ServeAsync(context, connection);
    }

    private async Task ServeAsync(ConnectionContext context, ClientConnection connection)
    {
        var heartbeat = DetachableHeartbeat.Attach(context.Features);
        try
        {
            await (context.Features.Get<ISslStreamFeature>() is { } tls ? ServeDecryptedAsync(context, connection, tls) : next(context));
        }
        finally
        {
            heartbeat?.Detach();
            if (await connection.TakeTunnelAsync() is { } tunnel)
            {
                await tunnel();
            }
        }
    }

    private async Task ServeDecryptedAsync(ConnectionContext context, ClientConnection connection, ISslStreamFeature tls)
    {
        var original = context.Transport;
        var transport = new DetachableTransport(original);
        context.Transport = transport;
        context.Features.Set<IConnectionTakeover>(new TlsTakeover(connection, transport, tls.SslStream));
        try
        {
            await next(context);
        }
        finally
        {
            context.Transport = original;
            context.Features.Set<IConnectionTakeover>(connection);
        }
    }
}
