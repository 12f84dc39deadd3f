using System.Net;
using System.Text.Json.Nodes;
using PyProxy.Gateway.Admin.Api;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Admin.Api;

/// <summary>What every resource gets from the foundation.</summary>
public sealed class AdminApiTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task EveryEndpoint_IsInTheOpenApiDocumentAndAsksForPermission()
    {
        await using var gateway = await GatewayServer.StartAsync();
        using var client = new AdminClient(gateway);
        var paths = (await client.GetAsync("/openapi.json"))["paths"]!.AsObject();

        var endpoints = gateway.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(endpoint => endpoint.RoutePattern.RawText?.StartsWith(AdminApi.Root, StringComparison.Ordinal) == true).ToList();
        Assert.All(endpoints, endpoint => Assert.Contains(
            endpoint.Metadata.GetOrderedMetadata<Microsoft.AspNetCore.Authorization.AuthorizationPolicy>(), policy => policy == AdminRequirement.Policy));
        foreach (var endpoint in endpoints.Where(endpoint => endpoint.RoutePattern.RawText != AdminApi.Document))
        {
            foreach (var method in endpoint.Metadata.GetRequiredMetadata<HttpMethodMetadata>().HttpMethods)
            {
                var operation = paths[endpoint.RoutePattern.RawText!.TrimEnd('/')]?[method.ToLowerInvariant()];
                Assert.True(operation is not null, $"{method} {endpoint.RoutePattern.RawText} is not in the document");
                Assert.False(string.IsNullOrEmpty((string?)operation["summary"]), $"{method} {endpoint.RoutePattern.RawText} has no summary");
            }
        }
    }

    [Fact]
    public async Task Change_LeavesARecordInTheAuditLog()
    {
        var (token, hash) = AdminToken.CreateWithHash();
        await using var gateway = await GatewayServer.StartAsync(gateway: $$"""
            "Admin": { "Tokens": { "ops": { "Hash": "{{hash}}", "Role": "Write" } }, "AuditLog": "changes.log" }
            """);
        using var client = new AdminClient(gateway, token);
        await client.GetAsync("/status");
        await client.SendAsync(HttpMethod.Put, "/drain");
        await client.SendAsync(HttpMethod.Delete, "/connections/none");

        var lines = await File.ReadAllLinesAsync(Path.Combine(Path.GetDirectoryName(gateway.ConfigurationPath)!, "changes.log"), Cancellation);
        var records = lines.Select(line => JsonNode.Parse(line)!).ToList();
        Assert.Equal(["PUT /api/v1/drain", "DELETE /api/v1/connections/none"], records.Select(record => (string?)record["what"]));
        Assert.Equal([200, 404], records.Select(record => (int)record["status"]!));
        Assert.All(records, record => Assert.Equal(("ops", "127.0.0.1"), ((string?)record["who"], (string?)record["from"])));
        Assert.False((bool)records[0]["before"]!["draining"]!);
        Assert.True((bool)records[0]["after"]!["draining"]!);
        Assert.DoesNotContain(token, string.Concat(lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AuditLogThatCannotBeWritten_IsSaidInReadiness()
    {
        await using var gateway = await GatewayServer.StartAsync(gateway: """ "Admin": { "AuditLog": "/proc/none/audit.log" } """);
        using var client = new AdminClient(gateway);
        await client.SendAsync(HttpMethod.Post, "/configuration/reload");

        var status = await client.GetAsync("/status");
        Assert.Equal("degraded", (string?)status["readiness"]);
        Assert.NotNull(status["degraded"]!["audit_log"]);
    }

    [Fact]
    public async Task UnknownResourceAndWrongValue_AreProblems()
    {
        await using var gateway = await GatewayServer.StartAsync();
        using var client = new AdminClient(gateway);

        Assert.Equal(HttpStatusCode.NotFound, (await client.SendAsync(HttpMethod.Get, "/nothing")).Status);
        var (status, problem) = await client.SendAsync(HttpMethod.Get, "/connections?limit=many");
        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("limit", (string?)problem!["detail"], StringComparison.Ordinal);
    }
}
