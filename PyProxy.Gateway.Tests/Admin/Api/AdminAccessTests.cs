using System.Net;
using System.Text.Json;
using PyProxy.Gateway.Admin.Api;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Admin.Api;

/// <summary>Who may use the admin API.</summary>
public sealed class AdminAccessTests
{
    [Fact]
    public async Task WithoutTokens_ThisMachineMayReadAndChange()
    {
        await using var gateway = await GatewayServer.StartAsync();
        using var client = new AdminClient(gateway);

        Assert.Equal("ready", (string?)(await client.GetAsync("/status"))["readiness"]);
        Assert.Equal(HttpStatusCode.OK, (await client.SendAsync(HttpMethod.Put, "/drain")).Status);
    }

    [Theory]
    [InlineData("X-Forwarded-For", "192.0.2.1")]
    [InlineData("Forwarded", "for=192.0.2.1")]
    [InlineData("Via", "1.1 nginx")]
    public async Task PassedOnByAProxyOnThisMachine_NeedsAToken(string field, string value)
    {
        await using var gateway = await GatewayServer.StartAsync();
        using var client = new AdminClient(gateway);

        Assert.Equal(HttpStatusCode.Unauthorized, (await client.SendAsync(HttpMethod.Get, "/status", null, (field, value))).Status);
    }

    [Fact]
    public async Task WithTokens_OnlyTheirBearersMay()
    {
        var (reading, readingHash) = AdminToken.CreateWithHash();
        var (writing, writingHash) = AdminToken.CreateWithHash();
        await using var gateway = await StartAsync(readingHash, writingHash);
        using var nobody = new AdminClient(gateway);
        using var stranger = new AdminClient(gateway, AdminToken.Create());
        using var reader = new AdminClient(gateway, reading);
        using var writer = new AdminClient(gateway, writing);

        Assert.Equal(HttpStatusCode.Unauthorized, (await nobody.SendAsync(HttpMethod.Get, "/status")).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await stranger.SendAsync(HttpMethod.Get, "/status")).Status);
        Assert.Equal(HttpStatusCode.OK, (await reader.SendAsync(HttpMethod.Get, "/status")).Status);
        var (status, problem) = await reader.SendAsync(HttpMethod.Put, "/drain");
        Assert.Equal((HttpStatusCode.Forbidden, "This token may look, not change."), (status, (string?)problem!["detail"]));
        Assert.Equal(HttpStatusCode.OK, (await writer.SendAsync(HttpMethod.Put, "/drain")).Status);
    }

    [Fact]
    public async Task WithTokens_HealthAndMetricsStayOpen()
    {
        await using var gateway = await StartAsync(AdminToken.HashOf("x"), AdminToken.HashOf("y"));
        using var client = new HttpClient { BaseAddress = gateway.Url("Admin") };

        Assert.Contains("live", await client.GetStringAsync(new Uri("/health/live", UriKind.Relative), TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Contains("kestrel", await client.GetStringAsync(new Uri("/metrics", UriKind.Relative), TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("rebound.example", null, null)]
    [InlineData(null, "http://evil.example", null)]
    [InlineData(null, "null", null)]
    [InlineData(null, null, "cross-site")]
    [InlineData(null, null, "same-site")]
    public async Task WhatAWebPageCanMakeABrowserSend_IsRefused(string? host, string? origin, string? site)
    {
        await using var gateway = await GatewayServer.StartAsync();
        using var client = new AdminClient(gateway);
        var fields = new List<(string, string)>();
        Add("Host", host);
        Add("Origin", origin);
        Add("Sec-Fetch-Site", site);

        Assert.Equal(HttpStatusCode.Forbidden, (await client.SendAsync(HttpMethod.Put, "/drain", null, [.. fields])).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await client.SendAsync(HttpMethod.Get, "/status", null, [.. fields])).Status);

        void Add(string name, string? value)
        {
            if (value is not null)
            {
                fields.Add((name, value));
            }
        }
    }

    [Fact]
    public async Task OwnOriginAndConfiguredName_AreAnswered()
    {
        await using var gateway = await GatewayServer.StartAsync(gateway: """ "Admin": { "Hosts": [ "gateway.example" ] } """);
        using var client = new AdminClient(gateway);

        var (status, _) = await client.SendAsync(
            HttpMethod.Get, "/status", null, ("Host", "gateway.example:9090"), ("Origin", "https://gateway.example:9090"), ("Sec-Fetch-Site", "same-origin"));
        Assert.Equal(HttpStatusCode.OK, status);
    }

    [Fact]
    public async Task RefusedCalls_LeaveRecordsWithoutSecrets_AndNotEndlesslyMany()
    {
        var (reading, readingHash) = AdminToken.CreateWithHash();
        await using var gateway = await StartAsync(readingHash, AdminToken.HashOf("y"));
        using var reader = new AdminClient(gateway, reading);
        var wrong = AdminToken.Create();
        using var stranger = new AdminClient(gateway, wrong);

        Assert.Equal(HttpStatusCode.Forbidden, (await reader.SendAsync(HttpMethod.Put, "/drain")).Status);
        for (var i = 0; i < RefusedAttempts.RecordsPerMinute + 5; i++)
        {
            Assert.Equal(HttpStatusCode.Unauthorized, (await stranger.SendAsync(HttpMethod.Get, "/status?key=" + wrong)).Status);
        }

        var records = await File.ReadAllLinesAsync(
            Path.Combine(Path.GetDirectoryName(gateway.ConfigurationPath)!, "changes.log"), TestContext.Current.CancellationToken);
        Assert.Equal(RefusedAttempts.RecordsPerMinute, records.Length);
        using var first = JsonDocument.Parse(records[0]);
        Assert.Equal(
            ("reader", "PUT /api/v1/drain", 403, "This token may look, not change."),
            (Text(first, "who"), Text(first, "what"), first.RootElement.GetProperty("status").GetInt32(), Text(first, "refused")));
        using var second = JsonDocument.Parse(records[1]);
        Assert.Equal(("GET /api/v1/status", 401), (Text(second, "what"), second.RootElement.GetProperty("status").GetInt32()));
        Assert.False(second.RootElement.TryGetProperty("who", out _));
        Assert.All(records, record => Assert.DoesNotContain(wrong, record, StringComparison.Ordinal));

        static string? Text(JsonDocument record, string name) => record.RootElement.GetProperty(name).GetString();
    }

    [Theory]
    [InlineData("Web")]
    [InlineData("Open")]
    public async Task OtherRoles_DoNotHaveIt(string endpoint)
    {
        await using var gateway = await GatewayServer.StartAsync();
        using var client = new HttpClient { BaseAddress = gateway.Url(endpoint) };
        using var response = await client.GetAsync(new Uri("/api/v1/status", UriKind.Relative), TestContext.Current.CancellationToken);

        Assert.NotEqual(HttpStatusCode.OK, response.StatusCode);
        Assert.NotEqual(HttpStatusCode.Unauthorized, response.StatusCode);
    }

    private static Task<GatewayServer> StartAsync(string readingHash, string writingHash) => GatewayServer.StartAsync(gateway: $$"""
        "Admin": { "AuditLog": "changes.log", "Tokens": { "reader": { "Hash": "{{readingHash}}" }, "writer": { "Hash": "{{writingHash}}", "Role": "Write" } } }
        """);
}
