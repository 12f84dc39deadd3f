using System.Net;
using PyProxy.Gateway.Admin;
using PyProxy.Gateway.Tests.Telemetry;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Admin;

public sealed class AdminEndpointsTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task RunningGateway_IsLiveAndReady()
    {
        await using var server = await ObservedServer.StartAsync(_ => Task.CompletedTask, ListenerRole.Admin);

        Assert.Equal("""{"status":"live"}""", await GetAsync(server, "/health/live", HttpStatusCode.OK));
        Assert.Equal("""{"status":"ready"}""", await GetAsync(server, "/health/ready", HttpStatusCode.OK));
        Assert.Contains("/metrics", await GetAsync(server, "/", HttpStatusCode.OK), StringComparison.Ordinal);
    }

    [Fact]
    public async Task DegradedPart_StaysReadyAndSaysSo()
    {
        await using var server = await ObservedServer.StartAsync(_ => Task.CompletedTask, ListenerRole.Admin);
        var readiness = server.App.Services.GetRequiredService<Readiness>();
        readiness.Degrade("redis", "Not reachable.");

        Assert.Equal("""{"status":"degraded","degraded":{"redis":"Not reachable."}}""", await GetAsync(server, "/health/ready", HttpStatusCode.OK));
        readiness.Restore("redis");
        Assert.Equal("""{"status":"ready"}""", await GetAsync(server, "/health/ready", HttpStatusCode.OK));
    }

    [Fact]
    public async Task EveryAdminEndpoint_CarriesItsRole()
    {
        await using var server = await ObservedServer.StartAsync(_ => Task.CompletedTask, ListenerRole.Admin);

        var endpoints = server.App.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(endpoint => endpoint.RoutePattern.RawText?.StartsWith("/work", StringComparison.Ordinal) != true).ToList();
        Assert.Contains(endpoints, endpoint => endpoint.RoutePattern.RawText == "/api/v1/status");
        Assert.All(endpoints, endpoint => Assert.Equal(ListenerRole.Admin, endpoint.Metadata.GetMetadata<ListenerRoleMetadata>()?.Role));
    }

    private static async Task<string> GetAsync(ObservedServer server, string path, HttpStatusCode status)
    {
        using var response = await server.Client.GetAsync(new Uri(path, UriKind.Relative), Cancellation);
        Assert.Equal(status, response.StatusCode);
        return await response.Content.ReadAsStringAsync(Cancellation);
    }
}
