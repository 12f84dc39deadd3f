using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Mvc;
using PyProxy.Gateway.Configuration;
using PyProxy.Gateway.Listeners.Endpoints;
using PyProxy.Gateway.Telemetry;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Admin.Resources;

/// <summary>What runs here and how it is.</summary>
internal static class StatusResource
{
    public static void Map(IEndpointRouteBuilder api)
        => api.MapGet("/status", Get).WithTags("Status").WithSummary("Version, uptime, listeners, readiness and what is under way.");

    private static Status Get(
        [FromServices] Uptime uptime,
        [FromServices] Readiness readiness,
        [FromServices] IDrainSignal drain,
        [FromServices] ListenerRegistry listeners,
        [FromServices] LiveExchanges exchanges,
        [FromServices] OpenConnections connections,
        [FromServices] GatewayIdentity identity,
        [FromServices] ConfigurationStatus configuration)
    {
        var counts = exchanges.Count();
        return new Status(
            Uptime.Version,
            identity.Pseudonym,
            Environment.MachineName,
            Environment.ProcessId,
            $"{RuntimeInformation.FrameworkDescription}, {RuntimeInformation.OSDescription}, {RuntimeInformation.ProcessArchitecture}",
            uptime.Started,
            Math.Round(uptime.Elapsed.TotalSeconds, 1),
            readiness.NotReadyReason is null ? readiness.Degraded.Count == 0 ? "ready" : "degraded" : "not ready",
            readiness.NotReadyReason,
            readiness.Degraded,
            drain.Draining.IsCancellationRequested,
            [.. listeners.Listeners.Select(static listener => new ListenerStatus(listener.Name, listener.Role, listener.Url, listener.AllowAnonymous))],
            connections.Count,
            counts.Requests,
            counts.Tunnels,
            configuration.Current.Generation,
            configuration.Current.Problems.Count);
    }

    internal sealed record Status(
        string Version,
        string Pseudonym,
        string Machine,
        int ProcessId,
        string Runtime,
        DateTimeOffset Started,
        double UptimeSeconds,
        string Readiness,
        string? NotReadyReason,
        IReadOnlyDictionary<string, string> Degraded,
        bool Draining,
        IReadOnlyList<ListenerStatus> Listeners,
        long OpenConnections,
        int RequestsUnderWay,
        int TunnelsOpen,
        int ConfigurationGeneration,
        int ConfigurationProblems);

    internal sealed record ListenerStatus(string Name, ListenerRole Role, string Url, bool AllowAnonymous);
}
