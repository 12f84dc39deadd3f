using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using PyProxy.Gateway.Listeners.Connect;
using PyProxy.Gateway.Listeners.ProxyProtocol;
using PyProxy.Gateway.Listeners.Socks;
using PyProxy.Gateway.Sections;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Listeners;

internal static class ListenerAdapterExtensions
{
    /// <summary>What the connection adapters need: <c>Gateway:Listeners</c>, the trusted proxies and the metrics.</summary>
    public static IServiceCollection AddListenerAdapters(this IServiceCollection services)
    {
        services.AddGatewaySection<ListenerOptions, ListenerOptionsValidator>(ListenerOptions.Section);
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<TrustedProxies>();
        services.TryAddSingleton<ListenerMetrics>();
        return services;
    }

    /// <summary>
    /// Believes PROXY protocol headers of trusted senders. Stands before TLS: the header comes in the clear, before everything.
    /// </summary>
    public static IConnectionBuilder UseProxyProtocol(this IConnectionBuilder builder, ProxyProtocolMode mode)
    {
        if (mode == ProxyProtocolMode.Off)
        {
            return builder;
        }

        var services = builder.ApplicationServices;
        return builder.Use(next => new ProxyProtocolConnectionMiddleware(
            next,
            mode,
            services.GetRequiredService<TrustedProxies>(),
            services.GetRequiredService<IOptionsMonitor<ListenerOptions>>(),
            services.GetRequiredService<ListenerMetrics>(),
            services.GetRequiredService<TimeProvider>(),
            services.GetRequiredService<ILogger<ProxyProtocolConnectionMiddleware>>()).OnConnectionAsync);
    }

    /// <summary>Closes connections that are too many for one address. Stands behind the PROXY protocol and before TLS.</summary>
    public static IConnectionBuilder UseConnectionGate(this IConnectionBuilder builder)
    {
        var services = builder.ApplicationServices;
        return services.GetService<IConnectionGate>() is not { } gate
            ? builder // a listener of its own, in a program that limits nothing
            : builder.Use(next => new ConnectionGateMiddleware(
                next, gate, services.GetRequiredService<TrustedProxies>(), services.GetRequiredService<ListenerMetrics>()).OnConnectionAsync);
    }

    /// <summary>
    /// Speaks SOCKS5 with the client and gives what runs above a CONNECT request. Stands behind TLS; needs
    /// <see cref="IConnectionTakeover"/> on the connection and <see cref="UseListenerAdapters"/> in the pipeline.
    /// </summary>
    public static IConnectionBuilder UseSocks(this IConnectionBuilder builder)
    {
        var services = builder.ApplicationServices;
        return builder.Use(next => new SocksConnectionMiddleware(
            next,
            services.GetRequiredService<ICredentialVerifier>(),
            services.GetRequiredService<IOptionsMonitor<ListenerOptions>>(),
            services.GetRequiredService<ListenerMetrics>(),
            services.GetRequiredService<TimeProvider>(),
            services.GetRequiredService<ILogger<SocksConnectionMiddleware>>()).OnConnectionAsync);
    }

    /// <summary>
    /// Makes Kestrel accept CONNECT whatever <c>Host</c> says. Stands behind TLS; needs <see cref="UseListenerAdapters"/> in the pipeline.
    /// </summary>
    public static IConnectionBuilder UseConnectHeadNormalization(this IConnectionBuilder builder)
        => builder.Use(next => new ConnectHeadConnectionMiddleware(next).OnConnectionAsync);

    /// <summary>Completes at the request what adapters began on its connection. Stands first in the pipeline.</summary>
    public static IApplicationBuilder UseListenerAdapters(this IApplicationBuilder app)
        => app.Use(next => new ListenerAdaptersMiddleware(next).InvokeAsync);
}
