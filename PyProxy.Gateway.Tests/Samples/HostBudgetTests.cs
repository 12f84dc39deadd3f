using PyProxy.Gateway.Filtering;
using PyProxy.Gateway.Samples.HostBudget;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Samples;

/// <summary>The sample of docs/extending.md, in the gateway.</summary>
public sealed class HostBudgetTests
{
    private const string Section = """
        "Egress": { "AllowedAddresses": [ "127.0.0.0/8", "::1" ], "ConnectPorts": [ "*" ] },
        "Filtering": {
          "Filters": { "host-budget": { "Timeout": "00:00:05", "OnFailure": "Deny" } },
          "Rules": [ { "Name": "budget", "Action": "Filter", "Filter": "host-budget" } ] }
        """;

    [Fact]
    public async Task HostsBeyondTheBudget_AreRefused_AndKnownOnesAreNot()
    {
        await using var origin = await OriginServer.StartAsync();
        await using var gateway = await GatewayServer.StartAsync(origin.Address, Section, extend: services =>
        {
            services.AddSingleton(provider => ActivatorUtilities.CreateInstance<HostBudgetFilter>(
                provider, new ConfigurationBuilder().AddInMemoryCollection([KeyValuePair.Create("HostBudget", (string?)"1")]).Build()));
            services.AddTrafficFilter<HostBudgetFilter>("host-budget");
        });

        Assert.Equal("200", await AskAsync(gateway, origin, "127.0.0.1"));
        Assert.Equal("403", await AskAsync(gateway, origin, "localhost"));
        Assert.Equal("200", await AskAsync(gateway, origin, "127.0.0.1"));
    }

    private static async Task<string> AskAsync(GatewayServer gateway, OriginServer origin, string host)
    {
        var target = new UriBuilder(origin.Address) { Host = host }.Uri;
        var (_, output) = await Curl.RunAsync(
            "--proxy", gateway.Url("Proxy").ToString(), "--proxy-user", $"alice:{GatewayServer.Password}", "-w", "%{http_code}", "-o", "/dev/null", target.ToString());
        return output;
    }
}
