using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace PyProxy.Gateway.Listeners.Endpoints;

/// <summary>Says which role listens where, once everything is bound.</summary>
internal sealed class ListenerAnnouncement(ListenerRegistry registry, IServer server, ILogger<ListenerAnnouncement> logger)
    : IHostedLifecycleService
{
    public Task StartedAsync(CancellationToken cancellationToken)
    {
        if (registry.Listeners.Count == 0)
        {
            // Without configured endpoints Kestrel binds --urls or its default.
            var addresses = server.Features.Get<IServerAddressesFeature>()?.Addresses ?? [];
            registry.Replace(addresses.Select(address => new Listener("urls", new ListenerEndpointOptions(), address)));
        }

        foreach (var listener in registry.Listeners)
        {
            ListenerLog.Listening(logger, listener.Role.ToString(), listener.Name, listener.Url);
        }

        return Task.CompletedTask;
    }

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}

internal static partial class ListenerLog
{
    [LoggerMessage(1, LogLevel.Information, "{Role,-8} {Endpoint,-10} {Url}", EventName = "Listening")]
    public static partial void Listening(ILogger logger, string role, string endpoint, string url);
}
