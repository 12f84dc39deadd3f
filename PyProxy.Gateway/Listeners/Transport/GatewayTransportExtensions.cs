using Microsoft.AspNetCore.Connections;

namespace PyProxy.Gateway.Listeners.Transport;

internal static class GatewayTransportExtensions
{
    /// <summary>
    /// Makes the server accept its connections through a transport that can hand a connection over to a tunnel. Comes after
    /// <c>UseKestrel</c>: of the transports that can bind an endpoint Kestrel takes the one that was registered last.
    /// </summary>
    public static IServiceCollection AddGatewayTransport(this IServiceCollection services)
        => services.AddSingleton<IConnectionListenerFactory, GatewayTransportFactory>();

    /// <summary>Has what is written inside TLS leave in full records. Stands right behind TLS.</summary>
    public static IConnectionBuilder UseFullTlsRecords(this IConnectionBuilder builder)
        => builder.Use(next => new TlsOutputConnectionMiddleware(next).OnConnectionAsync);

    /// <summary>
    /// Runs the tunnels that requests leave on their connections, and makes a TLS connection one that can be handed over. Stands right
    /// behind TLS, before adapters that replace the transport.
    /// </summary>
    public static IConnectionBuilder UseTunnels(this IConnectionBuilder builder)
        => builder.Use(next => new TunnelConnectionMiddleware(next).OnConnectionAsync);
}
