using System.Diagnostics.Metrics;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using PyProxy.Gateway.Tests.Functional;
using Yarp.ReverseProxy;
using Yarp.ReverseProxy.Model;

namespace PyProxy.Gateway.Tests.Reverse.Clusters;

/// <summary>A reverse proxy to a cluster of destinations "a", "b", … under the pipeline "p".</summary>
internal static class ResilientGateway
{
    public const string Pipeline = "Gateway:Resilience:Pipelines:p:";

    public static Task<ReverseGateway> StartAsync(Uri[] destinations, params (string Path, string? Value)[] settings)
        => StartAsync(destinations, settings, stages: null);

    public static Task<ReverseGateway> StartAsync(
        Uri[] destinations, (string Path, string? Value)[] settings, Action<WebApplication>? stages)
        => ReverseGateway.StartAsync(
            [
                ("Routes:all:ClusterId", "one"),
                ("Routes:all:Match:Path", "{**path}"),
                ("Clusters:one:Metadata:Resilience", "p"),
                ("Clusters:one:LoadBalancingPolicy", "FirstAlphabetical"),
                ("Gateway:Resilience:Connect:MaxRetries", "0"),
                .. destinations.Select((uri, i) => ($"Clusters:one:Destinations:{(char)('a' + i)}:Address", (string?)uri.AbsoluteUri)),
                .. settings.Select(setting => (setting.Path.Contains(':', StringComparison.Ordinal) && IsOwn(setting.Path) ? setting.Path : Pipeline + setting.Path, setting.Value)),
            ],
            services: null,
            stages);

    public static ClusterState Cluster(this ReverseGateway gateway)
    {
        Assert.True(gateway.Services.GetRequiredService<IProxyStateLookup>().TryGetCluster("one", out var cluster));
        return cluster;
    }

    public static DestinationHealth HealthOf(this ReverseGateway gateway, string destination) => gateway.Cluster().Destinations[destination].Health.Passive;

    public static MetricCollector<long> Metric(this ReverseGateway gateway, string name)
        => new(gateway.Services.GetRequiredService<IMeterFactory>(), "PyProxy.Gateway", name);

    /// <summary>An origin that answers all with one status and its name.</summary>
    public static Task<OriginServer> StatusAsync(string name, int status)
        => OriginServer.StartAsync(name, app => app.Use((HttpContext context, RequestDelegate _) =>
        {
            context.Response.StatusCode = status;
            return context.Response.WriteAsync(name);
        }));

    /// <summary>An origin that answers nothing until the client has left.</summary>
    public static Task<OriginServer> SilentAsync(string name)
        => OriginServer.StartAsync(name, app => app.Use(static async (HttpContext context, RequestDelegate _) =>
        {
            try
            {
                await Task.Delay(Timeout.Infinite, context.RequestAborted);
            }
            catch (OperationCanceledException)
            {
                // That is what was waited for.
            }
        }));

    private static bool IsOwn(string path)
        => path.StartsWith("Clusters:", StringComparison.Ordinal) || path.StartsWith("Routes:", StringComparison.Ordinal)
            || path.StartsWith("Gateway:", StringComparison.Ordinal);
}
