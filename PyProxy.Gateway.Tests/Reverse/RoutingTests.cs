using System.Net;
using PyProxy.Gateway.Tests.Functional;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Reverse;

public sealed class RoutingTests
{
    [Theory]
    [InlineData("Match:Hosts:0", "b.test", "GET", "/", "Host", "b.test")]
    [InlineData("Match:Hosts:0", "*.b.test", "GET", "/", "Host", "x.b.test:81")]
    [InlineData("Match:Path", "/b/{id}", "GET", "/b/7", null, null)]
    [InlineData("Match:Methods:0", "DELETE", "DELETE", "/", null, null)]
    [InlineData("Match:QueryParameters:0:Name", "b", "GET", "/?b=yes", null, null)]
    [InlineData("Match:Headers:0:Name", "X-B", "GET", "/", "X-B", "yes")]
    public async Task EachKindOfMatch_PicksItsRoute(string setting, string value, string method, string target, string? field, string? fieldValue)
    {
        await using var a = await OriginServer.StartAsync("a");
        await using var b = await OriginServer.StartAsync("b");
        (string, string?)[] match = setting switch
        {
            "Match:QueryParameters:0:Name" => [($"Routes:b:{setting}", value), ("Routes:b:Match:QueryParameters:0:Values:0", "yes")],
            "Match:Headers:0:Name" => [($"Routes:b:{setting}", value), ("Routes:b:Match:Headers:0:Values:0", "yes")],
            _ => [($"Routes:b:{setting}", value)],
        };
        await using var gateway = await ReverseGateway.StartAsync(
            [
                ("Routes:a:ClusterId", "a"),
                ("Routes:a:Match:Path", "{**path}"),
                ("Routes:a:Order", "10"),
                ("Routes:b:ClusterId", "b"),
                ("Routes:b:Match:Path", "{**path}"),
                ("Clusters:a:Destinations:d:Address", a.Address.AbsoluteUri),
                ("Clusters:b:Destinations:d:Address", b.Address.AbsoluteUri),
                .. match,
            ]);

        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(gateway.Address, target));
        if (field is not null)
        {
            request.Headers.TryAddWithoutValidation(field, fieldValue);
        }

        using var response = await gateway.Client.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal("b", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal("a", await gateway.GetStringAsync("/other"));
    }

    [Fact]
    public async Task Exchange_KnowsRouteClusterAndDestination()
    {
        await using var origin = await OriginServer.StartAsync();
        await using var gateway = await ReverseGateway.StartAsync(origin.Address);

        await gateway.GetStringAsync("/");

        Assert.Equal(("all", "one", "d"), (gateway.LastExchange!.Route, gateway.LastExchange.Cluster, gateway.LastExchange.Destination));
    }

    [Fact]
    public async Task DestinationThatRefuses_IsNamedInTheExchangeAndAnswered502()
    {
        Uri gone;
        await using (var origin = await OriginServer.StartAsync())
        {
            gone = origin.Address;
        }

        await using var gateway = await ReverseGateway.StartAsync(gone);

        using var response = await gateway.GetAsync("/");

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Equal("d", gateway.LastExchange!.Destination);
        Assert.Equal("connection_refused", gateway.LastExchange.Error?.Token);
        Assert.Equal(Fault.Destination, gateway.LastExchange.Error?.Fault);
    }

    [Fact]
    public async Task ChangedConfiguration_IsFollowedWithoutARestart()
    {
        await using var a = await OriginServer.StartAsync("a");
        await using var b = await OriginServer.StartAsync("b");
        await using var gateway = await ReverseGateway.StartAsync(a.Address);
        Assert.Equal("a", await gateway.GetStringAsync("/"));

        var configuration = (IConfigurationRoot)gateway.Services.GetRequiredService<IConfiguration>();
        configuration["ReverseProxy:Clusters:one:Destinations:d:Address"] = b.Address.AbsoluteUri;
        configuration.Reload();

        // YARP applies a change in the background.
        using var patience = new CancellationTokenSource(ReverseGateway.Patience);
        while (await gateway.GetStringAsync("/") != "b")
        {
            patience.Token.ThrowIfCancellationRequested();
        }
    }
}
