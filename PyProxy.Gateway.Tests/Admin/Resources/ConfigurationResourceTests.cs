using System.Net;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Admin.Resources;

public sealed class ConfigurationResourceTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task BadEditAndReload_AreRefusedWithEveryError()
    {
        await using var gateway = await GatewayServer.StartAsync(gateway: """ "Tunnels": { "IdleTimeout": "00:10:00" } """);
        using var client = new AdminClient(gateway);
        var good = await File.ReadAllTextAsync(gateway.ConfigurationPath, Cancellation);
        await File.WriteAllTextAsync(gateway.ConfigurationPath, good.Replace("00:10:00", "soon", StringComparison.Ordinal), Cancellation);

        var (status, problem) = await client.SendAsync(HttpMethod.Post, "/configuration/reload");
        Assert.Equal(HttpStatusCode.Conflict, status);
        Assert.Equal("$.Gateway.Tunnels.IdleTimeout", (string?)Assert.Single(problem!["problems"]!.AsArray())!["jsonPath"]);
        var state = await client.GetAsync("/configuration");
        Assert.Single(state["problems"]!.AsArray());
        Assert.Equal("00:10:00", (string?)(await client.GetAsync("/configuration/settings"))["Gateway"]!["Tunnels"]!["IdleTimeout"]);

        await File.WriteAllTextAsync(gateway.ConfigurationPath, good.Replace("00:10:00", "00:11:00", StringComparison.Ordinal), Cancellation);
        Assert.Equal(HttpStatusCode.OK, (await client.SendAsync(HttpMethod.Post, "/configuration/reload")).Status);
        Assert.Equal("00:11:00", (string?)(await client.GetAsync("/configuration/settings"))["Gateway"]!["Tunnels"]!["IdleTimeout"]);
    }

    [Fact]
    public async Task Settings_HaveNoSecretsAndNothingOfTheEnvironment()
    {
        await using var gateway = await GatewayServer.StartAsync();
        using var client = new AdminClient(gateway);
        var settings = await client.GetAsync("/configuration/settings");

        Assert.Equal("***", (string?)settings["Gateway"]!["Users"]!["Accounts"]!["alice"]!["PasswordHash"]);
        Assert.Empty(settings.AsObject().Select(member => member.Key).Except(["Kestrel", "ReverseProxy", "Gateway", "Logging"], StringComparer.Ordinal));
    }
}
