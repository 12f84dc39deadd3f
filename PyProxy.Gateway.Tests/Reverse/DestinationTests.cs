using System.Net;
using Microsoft.AspNetCore.DataProtection;
using PyProxy.Gateway.Tests.Functional;
using Yarp.ReverseProxy;
using Yarp.ReverseProxy.Model;

namespace PyProxy.Gateway.Tests.Reverse;

/// <summary>Which destination of a cluster a request goes to: load balancing, session affinity, health.</summary>
public sealed class DestinationTests
{
    [Theory]
    [InlineData("FirstAlphabetical", true)]
    [InlineData("RoundRobin", false)]
    [InlineData("LeastRequests", null)]
    [InlineData("PowerOfTwoChoices", null)]
    [InlineData("Random", null)]
    public async Task LoadBalancingPolicy_ChoosesAmongDestinations(string policy, bool? alwaysFirst)
    {
        await using var a = await OriginServer.StartAsync("a");
        await using var b = await OriginServer.StartAsync("b");
        await using var gateway = await StartAsync(a.Address, b.Address, ("Clusters:one:LoadBalancingPolicy", policy));

        for (var i = 0; i < 4; i++)
        {
            Assert.Contains(await gateway.GetStringAsync("/"), (string[])["a", "b"], StringComparer.Ordinal);
        }

        switch (alwaysFirst)
        {
            case true:
                Assert.Equal(4, a.Requests.Count);
                break;
            case false:
                Assert.Equal(2, a.Requests.Count);
                Assert.Equal(2, b.Requests.Count);
                break;
        }
    }

    [Theory]
    [InlineData("HashCookie", "Cookie")]
    [InlineData("ArrCookie", "Cookie")]
    [InlineData("Cookie", "Cookie")]
    [InlineData("CustomHeader", "Affinity")]
    public async Task SessionAffinity_KeepsAClientAtItsDestination(string policy, string requestField)
    {
        await using var a = await OriginServer.StartAsync("a");
        await using var b = await OriginServer.StartAsync("b");
        await using var gateway = await StartAsync(
            a.Address,
            b.Address,
            ("Clusters:one:LoadBalancingPolicy", "RoundRobin"),
            ("Clusters:one:SessionAffinity:Enabled", "true"),
            ("Clusters:one:SessionAffinity:Policy", policy),
            ("Clusters:one:SessionAffinity:AffinityKeyName", "Affinity"));

        using var first = await gateway.GetAsync("/");
        var destination = await first.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        var key = policy == "CustomHeader"
            ? string.Concat(first.Headers.GetValues("Affinity"))
            : string.Concat(first.Headers.GetValues("Set-Cookie")).Split(';')[0];

        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(destination, await gateway.GetStringAsync("/", (requestField, key)));
        }
    }

    [Fact]
    public async Task PassiveHealthCheck_TakesAFailingDestinationOut()
    {
        Uri gone;
        await using (var origin = await OriginServer.StartAsync())
        {
            gone = origin.Address;
        }

        await using var b = await OriginServer.StartAsync("b");
        await using var gateway = await StartAsync(
            gone,
            b.Address,
            ("Clusters:one:LoadBalancingPolicy", "FirstAlphabetical"),
            ("Clusters:one:HealthCheck:Passive:Enabled", "true"),
            ("Clusters:one:HealthCheck:Passive:Policy", "TransportFailureRate"),
            ("Clusters:one:HealthCheck:Passive:ReactivationPeriod", "00:10:00"));

        using var patience = new CancellationTokenSource(ReverseGateway.Patience);
        while (await gateway.GetStringAsync("/") != "b")
        {
            patience.Token.ThrowIfCancellationRequested();
        }

        Assert.Equal(DestinationHealth.Unhealthy, Cluster(gateway).Destinations["a"].Health.Passive);
    }

    [Fact]
    public async Task ActiveHealthCheck_TakesAnUnhealthyDestinationOut()
    {
        await using var a = await OriginServer.StartAsync("a", static app => app.MapGet("/health", static () => Results.StatusCode(500)));
        await using var b = await OriginServer.StartAsync("b", static app => app.MapGet("/health", static () => Results.Ok()));
        await using var gateway = await StartAsync(
            a.Address,
            b.Address,
            ("Clusters:one:LoadBalancingPolicy", "FirstAlphabetical"),
            ("Clusters:one:HealthCheck:Active:Enabled", "true"),
            ("Clusters:one:HealthCheck:Active:Interval", "00:00:00.1"),
            ("Clusters:one:HealthCheck:Active:Policy", "ConsecutiveFailures"),
            ("Clusters:one:HealthCheck:Active:Path", "/health"));

        using var patience = new CancellationTokenSource(ReverseGateway.Patience);
        while (await gateway.GetStringAsync("/") != "b")
        {
            patience.Token.ThrowIfCancellationRequested();
        }

        Assert.Equal(DestinationHealth.Unhealthy, Cluster(gateway).Destinations["a"].Health.Active);
    }

    [Fact]
    public async Task ClusterWithoutDestinations_IsUnavailable()
    {
        await using var gateway = await ReverseGateway.StartAsync(
            [("Routes:r:ClusterId", "one"), ("Routes:r:Match:Path", "{**path}"), ("Clusters:one:LoadBalancingPolicy", "Random")]);

        using var response = await gateway.GetAsync("/");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal("destination_unavailable", gateway.LastExchange!.Error?.Token);
    }

    private static ClusterState Cluster(ReverseGateway gateway)
    {
        Assert.True(gateway.Services.GetRequiredService<IProxyStateLookup>().TryGetCluster("one", out var cluster));
        return cluster;
    }

    private static Task<ReverseGateway> StartAsync(Uri a, Uri b, params (string Path, string? Value)[] settings)
        => ReverseGateway.StartAsync(
            [
                ("Routes:all:ClusterId", "one"),
                ("Routes:all:Match:Path", "{**path}"),
                ("Clusters:one:Destinations:a:Address", a.AbsoluteUri),
                ("Clusters:one:Destinations:b:Address", b.AbsoluteUri),
                .. settings,
            ],
            static services => services.AddSingleton<IDataProtectionProvider>(new EphemeralDataProtectionProvider()));
}
