using System.Net;
using PyProxy.Gateway.Tests.Functional;
using Yarp.ReverseProxy.Model;

namespace PyProxy.Gateway.Tests.Reverse.Clusters;

/// <summary>Destinations that are taken out of their cluster, and come back.</summary>
public sealed class DestinationJudgementTests
{
    private static readonly (string, string?)[] Breaker =
        [("CircuitBreaker:FailureRate", "0.5"), ("CircuitBreaker:MinimumRequests", "2"), ("CircuitBreaker:BreakDuration", "00:00:00.5")];

    [Fact]
    public async Task OpenBreaker_TakesTheDestinationOutAndBringsItBackWhenItWorks()
    {
        var status = 503;
        await using var a = await OriginServer.StartAsync("a", app => app.Use((HttpContext context, RequestDelegate _) =>
        {
            context.Response.StatusCode = Volatile.Read(ref status);
            return context.Response.WriteAsync("a");
        }));
        await using var b = await OriginServer.StartAsync("b");
        await using var gateway = await ResilientGateway.StartAsync([a.Address, b.Address], Breaker);

        await gateway.GetStringAsync("/");
        await gateway.GetStringAsync("/");
        await Poll.UntilAsync(async () => await gateway.GetStringAsync("/") == "b");
        Assert.Equal(DestinationHealth.Unhealthy, gateway.HealthOf("a"));

        Volatile.Write(ref status, 200);
        await Poll.UntilAsync(async () => await gateway.GetStringAsync("/") == "a");
        await Poll.UntilAsync(() => ValueTask.FromResult(gateway.HealthOf("a") == DestinationHealth.Healthy));
    }

    [Fact]
    public async Task AllBreakersOpen_HealthyAndUnknown_IsUnavailableWithoutBeingAsked()
    {
        await using var a = await ResilientGateway.StatusAsync("a", 503);
        await using var gateway = await ResilientGateway.StartAsync(
            [a.Address],
            [.. Breaker, ("CircuitBreaker:BreakDuration", "00:10:00"), ("Clusters:one:HealthCheck:AvailableDestinationsPolicy", "HealthyAndUnknown")]);

        await gateway.GetStringAsync("/");
        await gateway.GetStringAsync("/");
        await Poll.UntilAsync(() => ValueTask.FromResult(gateway.Cluster().DestinationsState.AvailableDestinations.Count == 0));
        using var response = await gateway.GetAsync("/");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal("destination_unavailable", gateway.LastExchange!.Error?.Token);
        Assert.Equal(2, a.Requests.Count);
    }

    [Fact]
    public async Task AllBreakersOpen_HealthyOrPanic_AsksNevertheless()
    {
        await using var a = await ResilientGateway.StatusAsync("a", 503);
        await using var gateway = await ResilientGateway.StartAsync(
            [a.Address],
            [.. Breaker, ("CircuitBreaker:BreakDuration", "00:10:00"), ("Clusters:one:HealthCheck:AvailableDestinationsPolicy", "HealthyOrPanic")]);

        await gateway.GetStringAsync("/");
        await gateway.GetStringAsync("/");
        await Poll.UntilAsync(() => ValueTask.FromResult(gateway.HealthOf("a") == DestinationHealth.Unhealthy));
        Assert.Equal("a", await gateway.GetStringAsync("/"));
        Assert.Equal(3, a.Requests.Count);
    }

    [Theory]
    [InlineData("0.5", 3)]
    [InlineData("0.3", 1)]
    public async Task FewHealthy_PanicThreshold_UsesAllBelowIt(string threshold, int available)
    {
        await using var b = await OriginServer.StartAsync("b");
        using var nobody = new ReservedPort();
        await using var gateway = await ResilientGateway.StartAsync(
            [nobody.Url, nobody.Url, b.Address],
            [
                .. Breaker, ("CircuitBreaker:BreakDuration", "00:10:00"), ("Retry:MaxRetries", "2"), ("Retry:Delay", "0"),
                ("Clusters:one:HealthCheck:AvailableDestinationsPolicy", "PanicThreshold"), ("Clusters:one:Metadata:PanicThreshold", threshold),
            ]);

        await gateway.GetStringAsync("/");
        await gateway.GetStringAsync("/");
        await Poll.UntilAsync(() => ValueTask.FromResult(
            gateway.HealthOf("a") == DestinationHealth.Unhealthy && gateway.HealthOf("b") == DestinationHealth.Unhealthy
            && gateway.Cluster().DestinationsState.AvailableDestinations.Count == available));
    }

    [Fact]
    public async Task OutlierByFailures_IsEjectedWithinTheBound()
    {
        await using var a = await ResilientGateway.StatusAsync("a", 503);
        await using var b = await ResilientGateway.StatusAsync("b", 503);
        await using var c = await OriginServer.StartAsync("c");
        await using var gateway = await StartWithEjectionAsync([a.Address, b.Address, c.Address], ("Ejection:FailureRate", "0.5"));
        using var ejections = gateway.Metric("pyproxy.resilience.ejections");

        await Poll.UntilAsync(async () =>
        {
            await AskTenTimesAsync(gateway);
            return Unhealthy(gateway) == 1;
        });
        await AskTenTimesAsync(gateway);

        Assert.Equal(1, Unhealthy(gateway)); // of three, half are one: the other bad one stays
        Assert.Contains(ejections.GetMeasurementSnapshot(), static m => (string?)m.Tags["reason"] == "failures");
    }

    [Fact]
    public async Task OutlierByLatency_IsEjected()
    {
        await using var a = await OriginServer.StartAsync("a", static app => app.Use(static async (HttpContext context, RequestDelegate _) =>
        {
            await Task.Delay(TimeSpan.FromMilliseconds(40), context.RequestAborted);
            await context.Response.WriteAsync("a");
        }));
        await using var b = await OriginServer.StartAsync("b");
        await using var gateway = await StartWithEjectionAsync(
            [a.Address, b.Address], ("Ejection:LatencyFactor", "3"), ("Ejection:LatencyFloor", "00:00:00.020"));

        await Poll.UntilAsync(async () =>
        {
            await AskTenTimesAsync(gateway);
            return gateway.HealthOf("a") == DestinationHealth.Unhealthy;
        });
        Assert.NotEqual(DestinationHealth.Unhealthy, gateway.HealthOf("b"));
    }

    [Fact]
    public async Task EjectedDestination_ReturnsAfterItsTime()
    {
        await using var a = await ResilientGateway.StatusAsync("a", 503);
        await using var b = await OriginServer.StartAsync("b");
        await using var gateway = await StartWithEjectionAsync(
            [a.Address, b.Address], ("Ejection:FailureRate", "0.5"), ("Ejection:Duration", "00:00:00.1"), ("Ejection:MaxDuration", "00:00:00.1"));

        await Poll.UntilAsync(async () =>
        {
            await AskTenTimesAsync(gateway);
            return gateway.HealthOf("a") == DestinationHealth.Unhealthy;
        });
        await Poll.UntilAsync(() => ValueTask.FromResult(gateway.HealthOf("a") == DestinationHealth.Unknown));
    }

    private static Task<ReverseGateway> StartWithEjectionAsync(Uri[] destinations, params (string, string?)[] settings)
        => ResilientGateway.StartAsync(
            destinations,
            [("Clusters:one:LoadBalancingPolicy", "RoundRobin"), ("Ejection:Window", "00:00:00.1"), ("Ejection:MinimumRequests", "3"), .. settings]);

    private static async Task AskTenTimesAsync(ReverseGateway gateway)
    {
        for (var i = 0; i < 10; i++)
        {
            await gateway.GetStringAsync("/");
        }
    }

    private static int Unhealthy(ReverseGateway gateway)
        => gateway.Cluster().Destinations.Values.Count(static destination => destination.Health.Passive == DestinationHealth.Unhealthy);
}
