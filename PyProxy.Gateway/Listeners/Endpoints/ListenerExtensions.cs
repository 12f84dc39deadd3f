using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using PyProxy.Gateway.Egress;

namespace PyProxy.Gateway.Listeners.Endpoints;

internal static class ListenerExtensions
{
    /// <summary>
    /// Endpoints with roles, from <c>Kestrel:Endpoints</c>. Needs <c>UseListenerAdapters</c> first in the pipeline, and for Socks endpoints an
    /// <c>ICredentialVerifier</c> and a transport whose connections can be taken over.
    /// </summary>
    public static IServiceCollection AddListeners(this IServiceCollection services)
    {
        services.AddListenerAdapters();
        services.TryAddSingleton<ListenerRegistry>();
        services.Replace(ServiceDescriptor.Singleton<IOwnListeners, OwnListeners>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IPostConfigureOptions<KestrelServerOptions>, ListenerSetup>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<MatcherPolicy, ListenerRoleMatcherPolicy>());
        services.AddHostedService<ListenerAnnouncement>();
        return services;
    }

    /// <summary>What endpoints may ask of the server: the slim host's Kestrel knows TLS and QUIC only where told.</summary>
    public static IWebHostBuilder UseListeners(this IWebHostBuilder host)
    {
        host.UseKestrelHttpsConfiguration();
        if ((OperatingSystem.IsLinux() || OperatingSystem.IsWindows() || OperatingSystem.IsMacOS()) && ListenerEndpointsSection.IsQuicSupported)
        {
            host.UseQuic();
        }

        return host;
    }
}
