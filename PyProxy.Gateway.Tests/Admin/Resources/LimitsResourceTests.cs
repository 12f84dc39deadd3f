using System.Net;
using PyProxy.Gateway.Tests.Contracts;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Admin.Resources;

/// <summary>Limits seen and steered by hand, through whole gateways: alone, and two that share Redis and a database.</summary>
public sealed class LimitsResourceTests(PostgreSqlServer database) : IAsyncLifetime
{
    private const string Plan = """
        "Plans": { "p": { "Rates": [ "5/d", "10/d per user+host" ], "Concurrency": 7, "Quotas": [ "100KB/day" ] } },
        "Egress": { "AllowedAddresses": [ "127.0.0.0/8" ] }
        """;

    private static readonly int[] FiveAndNoMore = [200, 200, 200, 200, 200, 429];

    private OriginServer _origin = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
        => _origin = await OriginServer.StartAsync(endpoints: static app => app.MapGet("/large", static () => Results.Bytes(new byte[200_000])));

    public async ValueTask DisposeAsync() => await _origin.DisposeAsync();

    [Fact]
    public async Task WhoIsOverALimit_IsShownWithWhatWasUsed_AndGivenBackByHand()
    {
        await using var gateway = await StartAsync(Plan);
        using var admin = new AdminClient(gateway);
        Assert.Equal(FiveAndNoMore, await AskAsync(gateway, 6));

        // 1. Seen
        var list = await admin.GetAsync("/limits");
        Assert.Equal("here", (string?)list["counted"]);
        var over = Assert.Single(list["limits"]!.AsArray());
        Assert.Equal(("5/d", "alice", 5L, "over"), ((string?)over!["limit"], (string?)over["by"]!["user"], (long)over["used"]!, (string?)over["state"]));
        var alice = await admin.GetAsync("/limits/users/alice");
        Assert.Equal(["p"], alice["plans"]!.AsArray().Select(static plan => (string?)plan), StringComparer.Ordinal);
        Assert.Equal((6L, 1L), ((long)alice["usage"]!["today"]!["requests"]!, (long)alice["usage"]!["thisMonth"]!["refusals"]!));
        var byHost = alice["limits"]!.AsArray().Single(static limit => limit!["by"]!["host"] is not null)!;
        Assert.Equal(("10/d per user+host", 6L, "ok"), ((string?)byHost["limit"], (long)byHost["used"]!, (string?)byHost["state"]));
        Assert.Equal("100KB/day", (string?)Assert.Single(alice["quotas"]!.AsArray())!["quota"]);
        Assert.Contains("pyproxy_limiter_quotas", await MetricsAsync(gateway), StringComparison.Ordinal);

        // 2. Given back
        Assert.Equal(HttpStatusCode.NoContent, (await admin.SendAsync(HttpMethod.Delete, "/limits/users/alice/rates")).Status);
        Assert.Equal(FiveAndNoMore, await AskAsync(gateway, 6));
        var audit = await File.ReadAllTextAsync(Path.Combine(Path.GetDirectoryName(gateway.ConfigurationPath)!, "audit.log"), Cancellation);
        Assert.Contains("DELETE /api/v1/limits/users/alice/rates", audit, StringComparison.Ordinal);
        Assert.Contains("\"used\":5", audit, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("DELETE", "/limits/users/nobody/rates", null, HttpStatusCode.NotFound)]
    [InlineData("DELETE", "/limits/users/nobody/quotas", null, HttpStatusCode.NotFound)]
    [InlineData("GET", "/limits/users/nobody", null, HttpStatusCode.NotFound)]
    [InlineData("POST", "/limits/users/nobody/quotas/raise", """ { "plan": "p", "quota": "100KB/day", "by": "1MB" } """, HttpStatusCode.NotFound)]
    [InlineData("POST", "/limits/users/alice/quotas/raise", """ { "plan": "q", "quota": "100KB/day", "by": "1MB" } """, HttpStatusCode.NotFound)]
    [InlineData("POST", "/limits/users/alice/quotas/raise", """ { "plan": "p", "quota": "100KB/day", "by": "much" } """, HttpStatusCode.BadRequest)]
    [InlineData("POST", "/limits/users/alice/quotas/raise", """ { "plan": "p", "quota": "100KB/day", "by": "-1MB" } """, HttpStatusCode.Conflict)]
    [InlineData("POST", "/limits/users/alice/quotas/raise", """ { "plan": "p" } """, HttpStatusCode.BadRequest)]
    public async Task WhatCannotBeDone_IsSaidWhy(string method, string path, string? body, HttpStatusCode expected)
    {
        await using var gateway = await StartAsync(Plan);
        using var admin = new AdminClient(gateway);

        Assert.Equal(expected, (await admin.SendAsync(HttpMethod.Parse(method), path, body)).Status);
    }

    [Fact]
    public async Task ChangeAtOneGateway_HoldsAtTheOtherThatSharesRedisAndDatabase()
    {
        await using var redis = GarnetInProcess.Start();
        var shared = $$"""
            {{Plan.Replace(", \"10/d per user+host\"", "", StringComparison.Ordinal)}}, "SharedState": { "Redis": "{{redis.Endpoint}}", "RedisTimeout": "00:00:05", "Database": "{{await database.CreateDatabaseAsync()}}" },
            "Usage": { "FlushInterval": "00:00:00.200" }
            """;
        await using var one = await StartAsync(shared);
        await using var other = await StartAsync(shared);
        using var admin = new AdminClient(other);

        // 1. Rates: used up at one, given back at the other
        Assert.Equal(FiveAndNoMore, await AskAsync(one, 6));
        var alice = await admin.GetAsync("/limits/users/alice");
        Assert.Equal("redis", (string?)alice["counted"]);
        Assert.Contains(alice["limits"]!.AsArray(), static limit => (string?)limit!["limit"] == "5/d" && (string?)limit["state"] == "over");
        Assert.Contains((await admin.GetAsync("/limits"))["limits"]!.AsArray(), static limit => (string?)limit!["by"]!["user"] == "alice");
        Assert.Equal(HttpStatusCode.NoContent, (await admin.SendAsync(HttpMethod.Delete, "/limits/users/alice/rates")).Status);
        await Poll.UntilAsync(async () => (await AskAsync(one, 1))[0] == 200);

        // 2. A quota: used up at one, raised at the other
        await AskAsync(one, 1, "/large");
        await Poll.UntilAsync(async () =>
        {
            await admin.SendAsync(HttpMethod.Delete, "/limits/users/alice/rates"); // asking uses them up
            return (await AskAsync(one, 1))[0] == 403;
        });
        await Poll.UntilAsync(async () => (await admin.GetAsync("/limits"))["quotas"]!.AsArray() is [{ } quota]
            && ((string?)quota["user"], (string?)quota["state"]) == ("alice", "over"));
        var (status, raised) = await admin.SendAsync(
            HttpMethod.Post, "/limits/users/alice/quotas/raise", """ { "plan": "P", "quota": "100kb/day", "by": "100MB" } """);
        Assert.Equal((HttpStatusCode.OK, "ok"), (status, (string?)raised!["state"]));
        await Poll.UntilAsync(async () => (await AskAsync(one, 1))[0] is 200 or 429);

        // 3. And reset
        var (reset, left) = await admin.SendAsync(HttpMethod.Delete, "/limits/users/alice/quotas?plan=p");
        Assert.Equal((HttpStatusCode.OK, 0L), (reset, (long)left!.AsArray()[0]!["used"]!));
    }

    private static async Task<string> MetricsAsync(GatewayServer gateway)
    {
        using var http = new HttpClient();
        return await http.GetStringAsync(new Uri(gateway.Url("Admin"), "/metrics"), Cancellation);
    }

    private static Task<GatewayServer> StartAsync(string gateway) => GatewayServer.StartAsync(
        gateway: gateway, edit: static text => text.Replace("\"alice\": {", "\"alice\": { \"Plan\": \"p\", ", StringComparison.Ordinal));

    private async Task<int[]> AskAsync(GatewayServer gateway, int times, string path = "/")
    {
        using var http = new HttpClient(new SocketsHttpHandler
        {
            Proxy = new WebProxy(gateway.Url("Proxy")) { Credentials = new NetworkCredential("alice", GatewayServer.Password) },
        });
        var statuses = new int[times];
        for (var i = 0; i < times; i++)
        {
            using var answer = await http.GetAsync(new Uri(_origin.Address, path), Cancellation);
            statuses[i] = (int)answer.StatusCode;
        }

        return statuses;
    }
}
