using System.Net;
using System.Text.Json.Nodes;
using PyProxy.Gateway.Tests.Functional;
using PyProxy.Gateway.Users;

namespace PyProxy.Gateway.Tests.Admin.Resources;

public sealed class UsersResourceTests : IAsyncLifetime
{
    private GatewayServer _gateway = null!;
    private AdminClient _client = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _gateway = await GatewayServer.StartAsync(
            gateway: """ "Plans": { "standard": { "Concurrency": 50 } }, "Admin": { "AuditLog": "changes.log" } """,
            edit: text => text.Replace("\"Users\": {", "\"Users\": { \"Stores\": [ \"Configuration\", \"Database\" ],", StringComparison.Ordinal));
        _client = new AdminClient(_gateway);
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _gateway.DisposeAsync();
    }

    [Fact]
    public async Task User_IsAddedShownChangedAndRemoved_AndTheGatewayFollows()
    {
        var (status, added) = await _client.SendAsync(HttpMethod.Post, "/users", """{ "name": "bob", "generate": true, "groups": [ "staff" ], "plan": "standard" }""");
        Assert.Equal(HttpStatusCode.Created, status);
        var password = (string)added!["password"]!;
        Assert.Equal("bob", (await VerifyAsync("bob", password))!.Name);

        var (_, key) = await _client.SendAsync(HttpMethod.Post, "/users/bob/keys", """{ "label": "laptop" }""");
        Assert.Equal("bob", (await FindByKeyAsync((string)key!["key"]!))!.Name);
        var shown = await _client.GetAsync("/users/bob");
        Assert.Equal("""{"name":"bob","store":"Database","disabled":false,"groups":["staff"],"plan":"standard","passwordAlgorithm":"generated"}""", shown["user"]!.ToJsonString());
        Assert.Equal(((string?)key["id"], "laptop"), ((string?)shown["keys"]![0]!["id"], (string?)shown["keys"]![0]!["label"]));

        Assert.Equal(HttpStatusCode.NoContent, (await _client.SendAsync(HttpMethod.Delete, $"/users/bob/keys/{key["id"]}")).Status);
        await Poll.UntilAsync(async () => await FindByKeyAsync((string)key["key"]!) is null);
        var (_, changed) = await _client.SendAsync(HttpMethod.Patch, "/users/bob", """{ "disabled": true, "plan": "" }""");
        Assert.Equal((true, null), ((bool)changed!["user"]!["disabled"]!, changed["user"]!["plan"]));
        await Poll.UntilAsync(async () => await VerifyAsync("bob", password) is null);
        await _client.SendAsync(HttpMethod.Patch, "/users/bob", """{ "disabled": false, "password": "correct horse" }""");
        await Poll.UntilAsync(async () => await VerifyAsync("bob", "correct horse") is not null);

        Assert.Equal(HttpStatusCode.NoContent, (await _client.SendAsync(HttpMethod.Delete, "/users/bob")).Status);
        Assert.Equal(HttpStatusCode.NotFound, (await _client.SendAsync(HttpMethod.Get, "/users/bob")).Status);
        var audit = await File.ReadAllTextAsync(Path.Combine(Path.GetDirectoryName(_gateway.ConfigurationPath)!, "changes.log"), Cancellation);
        Assert.Equal(
            ["POST /api/v1/users", "POST /api/v1/users/bob/keys", $"DELETE /api/v1/users/bob/keys/{key["id"]}", "PATCH /api/v1/users/bob", "PATCH /api/v1/users/bob", "DELETE /api/v1/users/bob"],
            audit.TrimEnd().Split('\n').Select(line => (string?)JsonNode.Parse(line)!["what"]));
        Assert.All((string[])[password, (string)key["key"]!, "correct horse", "hmac-sha256"], secret => Assert.DoesNotContain(secret, audit, StringComparison.Ordinal));
        Assert.Contains("\"disabled\":true", audit, StringComparison.Ordinal);
    }

    [Fact]
    public async Task List_HasTheUsersOfAllStores_InPages_WithoutSecrets()
    {
        foreach (var name in (string[])["bob", "carol", "dave"])
        {
            await _client.SendAsync(HttpMethod.Post, "/users", $$"""{ "name": "{{name}}", "generate": true }""");
        }

        List<string> names = [];
        string? next = null;
        do
        {
            var page = await _client.GetAsync("/users?limit=2" + (next is null ? "" : $"&after={Uri.EscapeDataString(next)}"));
            Assert.DoesNotContain("AQAAAA", page.ToJsonString(), StringComparison.Ordinal);
            Assert.DoesNotContain("hmac", page.ToJsonString(), StringComparison.Ordinal);
            names.AddRange(page["users"]!.AsArray().Select(user => $"{user!["store"]}:{user["name"]}"));
            next = (string?)page["next"];
        }
        while (next is not null);

        Assert.Equal(["Configuration:alice", "Database:bob", "Database:carol", "Database:dave"], names);
    }

    [Theory]
    [InlineData("POST", "", """{ "name": "b:ob" }""", 400)]
    [InlineData("POST", "", """{ "name": "bob", "plan": "gold" }""", 400)]
    [InlineData("POST", "", """{ "name": "bob", "password": "x", "generate": true }""", 400)]
    [InlineData("POST", "", """{ "name": "bob", "passwordHash": "x" }""", 400)]
    [InlineData("PATCH", "/alice", """{ "disabled": true }""", 404)]
    [InlineData("DELETE", "/alice", null, 404)]
    [InlineData("GET", "/nobody", null, 404)]
    [InlineData("POST", "/nobody/keys", "{}", 404)]
    public async Task WhatCannotBeDone_IsAProblem(string method, string path, string? body, int status)
        => Assert.Equal(status, (int)(await _client.SendAsync(new HttpMethod(method), "/users" + path, body)).Status);

    [Fact]
    public async Task GatewayThatDoesNotAskTheDatabase_NamesTheSetting()
    {
        await using var gateway = await GatewayServer.StartAsync();
        using var client = new AdminClient(gateway);

        var (status, problem) = await client.SendAsync(HttpMethod.Post, "/users", """{ "name": "bob", "generate": true }""");
        Assert.Equal(HttpStatusCode.Conflict, status);
        Assert.Contains("Gateway:Users:Stores", (string?)problem!["detail"], StringComparison.Ordinal);
        Assert.Equal("alice", (string?)(await client.GetAsync("/users"))["users"]![0]!["name"]);
    }

    private ValueTask<Gateway.Traffic.KnownUser?> VerifyAsync(string name, string password)
        => _gateway.Services.GetRequiredService<CredentialVerifier>().VerifyPasswordAsync(name, password, Cancellation);

    private ValueTask<Gateway.Traffic.KnownUser?> FindByKeyAsync(string key)
        => _gateway.Services.GetRequiredService<CredentialVerifier>().FindByApiKeyAsync(key, Cancellation);
}
