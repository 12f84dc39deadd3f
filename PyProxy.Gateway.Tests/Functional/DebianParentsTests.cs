using System.Text.Json;

namespace PyProxy.Gateway.Tests.Functional;

/// <summary>A pool of real upstream proxies: Squid, tinyproxy and microsocks.</summary>
public sealed class DebianParentsTests
{
    [Fact]
    public async Task PoolOfThree_CarriesEverything_AndGoesOnWithoutTheOneThatIsKilled()
    {
        await using var squid = await DebianProxy.StartSquidAsync();
        await using var tinyproxy = await DebianProxy.StartTinyproxyAsync();
        await using var microsocks = await DebianProxy.StartMicrosocksAsync();
        await using var origin = await OriginServer.StartAsync();
        await using var gateway = await GatewayServer.StartAsync(gateway: $$"""
            "Egress": { "AllowedAddresses": [ "127.0.0.1" ], "ConnectPorts": [ "*" ], "DefaultProfile": "pool", "Profiles": { "pool": { "Upstreams": {
              "FailuresToEject": 1, "EjectionTime": "00:10:00", "MaxEjectionTime": "00:10:00", "HealthCheck": { "Interval": "00:00:00" },
              "Proxies": {
                "squid": { "Address": "{{squid.Address}}" },
                "tinyproxy": { "Address": "{{tinyproxy.Address}}", "User": "{{DebianProxy.User}}", "Password": "{{DebianProxy.Password}}" },
                "microsocks": { "Address": "{{microsocks.Address}}", "User": "{{DebianProxy.User}}", "Password": "{{DebianProxy.Password}}" } } } } } }
            """);

        await AskAsync(3);
        Assert.Equal((int[])[2, 2, 2], await CountsAsync("taken")); // microsocks, squid, tinyproxy
        await squid.KillAsync();
        await AskAsync(3);

        Assert.Equal((int[])[1, 0, 1], await CountsAsync("in"));
        Assert.Equal((int[])[0, 1, 0], await CountsAsync("failed"));

        async Task AskAsync(int times)
        {
            for (var i = 0; i < times; i++)
            {
                Assert.Equal((0, origin.Name), await Curl.RunAsync("--proxy", gateway.Url("Open").ToString(), origin.Address.ToString()));
                Assert.Equal((0, origin.Name), await Curl.RunAsync("--proxy", gateway.Url("Open").ToString(), "--proxytunnel", origin.Address.ToString()));
            }
        }

        async Task<int[]> CountsAsync(string what)
        {
            var (_, json) = await Curl.RunAsync($"{gateway.Url("Admin")}api/v1/upstreams");
            return [.. JsonDocument.Parse(json).RootElement[0].GetProperty("proxies").EnumerateArray().Select(proxy => proxy.GetProperty(what))
                .Select(value => value.ValueKind == JsonValueKind.Number ? value.GetInt32() : value.GetBoolean() ? 1 : 0)];
        }
    }
}
