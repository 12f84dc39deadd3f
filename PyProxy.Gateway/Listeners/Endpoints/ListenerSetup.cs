using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;
using PyProxy.Gateway.Listeners.Transport;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Listeners.Endpoints;

/// <summary>
/// Gives each endpoint of the configuration its adapters. Runs behind every other configuration of Kestrel, because it loads the endpoints
/// at once: endpoint callbacks run before Kestrel puts TLS on an endpoint, and only what is added behind that sees decrypted bytes.
/// </summary>
internal sealed class ListenerSetup(IConfiguration configuration, IHostEnvironment environment, ListenerRegistry registry, ListenerMetrics metrics)
    : IPostConfigureOptions<KestrelServerOptions>
{
    public void PostConfigure(string? name, KestrelServerOptions options)
    {
        // A forward request over TLS names the scheme of its target in :scheme, not that of its connection (RFC 9113 §8.3.1).
        options.AllowAlternateSchemes = true;

        // 1. A loader of our own, in place of the host's: two would bind every endpoint twice.
        var loader = options.Configure(configuration.GetSection("Kestrel"), reloadOnChange: false);
        var listeners = new List<(Listener Listener, ListenOptions Options)>();
        foreach (var section in configuration.GetSection(ListenerEndpointsSection.SectionPath).GetChildren())
        {
            var endpoint = section.Get<ListenerEndpointOptions>() ?? new ListenerEndpointOptions();
            loader.Endpoint(section.Key, kestrel =>
            {
                var listener = new Listener(section.Key, endpoint, section["Url"] ?? "", kestrel.ListenOptions)
                {
                    Tls = kestrel.IsHttps ? kestrel.HttpsOptions : null,
                };
                BeforeTls(kestrel, endpoint, listener);
                listeners.Add((listener, kestrel.ListenOptions));
            });
        }

        // 2. Kestrel reads its endpoints, calls back for each, and adds TLS.
        loader.Load();

        // 3. What must see decrypted bytes.
        foreach (var (listener, listenOptions) in listeners)
        {
            BehindTls(listenOptions, listener.Role);
        }

        registry.Replace(listeners.Select(l => l.Listener));
        CertificateExpiry[] expiries = [.. Expiries()];
        metrics.ObserveCertificates(() => expiries);
    }

    private IEnumerable<CertificateExpiry> Expiries()
    {
        foreach (var listener in registry.Listeners)
        {
            if (listener.Tls?.ServerCertificate is { } certificate)
            {
                yield return new(listener.Name, Sni: null, new DateTimeOffset(certificate.NotAfter)); // local time, as the class has it
            }

            foreach (var (name, expiry) in SniCertificates.Expiries(
                configuration.GetSection($"{ListenerEndpointsSection.SectionPath}:{listener.Name}"), environment.ContentRootPath))
            {
                yield return new(listener.Name, name, expiry);
            }
        }
    }

    private static void BeforeTls(EndpointConfiguration kestrel, ListenerEndpointOptions endpoint, Listener listener)
    {
        var listen = kestrel.ListenOptions;
        if (endpoint.Role == ListenerRole.Socks)
        {
            listen.Protocols = HttpProtocols.Http1;
        }

        listen.Use(next => context =>
        {
            context.Features.Set<IListenerFeature>(listener);
            return next(context);
        });
        ((IMultiplexedConnectionBuilder)listen).Use(next => context =>
        {
            context.Features.Set<IListenerFeature>(listener);
            return next(context);
        });
        listen.UseProxyProtocol(endpoint.ProxyProtocol);
        if (endpoint.Role != ListenerRole.Admin)
        {
            listen.UseConnectionGate();
        }

        if (kestrel.IsHttps && endpoint.ClientCertificateAuthorities is { Length: > 0 } files)
        {
            kestrel.HttpsOptions.ClientCertificateValidation = ClientCertificateAuthorities.FromFiles(files).Validate;
        }
    }

    private static void BehindTls(ListenOptions listen, ListenerRole role)
    {
        listen.UseFullTlsRecords();

        // Tunnels first: the others ask the connection for its tunnel, and behind TLS that must be the one over decrypted bytes.
        switch (role)
        {
            case ListenerRole.Socks:
                listen.UseTunnels().UseSocks();
                break;
            case ListenerRole.Forward:
                listen.UseTunnels().UseConnectHeadNormalization();
                break;
        }
    }
}
