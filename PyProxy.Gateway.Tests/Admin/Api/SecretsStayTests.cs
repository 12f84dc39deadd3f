using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using PyProxy.Gateway.Tests.Functional;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Admin.Api;

/// <summary>No resource that there is, or will be, says a secret of the configuration or of the users' store.</summary>
public sealed class SecretsStayTests
{
    private const string Marker = "SECRET9marker";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("Data Source=pyproxy.db")]
    [InlineData($"Host=127.0.0.1;Port=1;Database=d;Username=u;Password={Marker}13;Timeout=1")]
    [InlineData($"postgres://u:{Marker}14@127.0.0.1:1/d")]
    public async Task EveryResourceThatLooks_SaysNoSecret(string database)
    {
        var tokenHash = Convert.ToHexStringLower(SHA256.HashData("token"u8));
        await using var gateway = await GatewayServer.StartAsync(gateway: Settings(database, tokenHash), edit: WithSecretsOfTheProxy);
        using var client = new AdminClient(gateway);
        string[] generated = database.StartsWith("Data", StringComparison.Ordinal) ? await AddUserAsync(client) : [];
        string[] secrets = [Marker, tokenHash, GatewayServer.PasswordHashText, "PRIVATE KEY", .. generated];

        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = gateway.Url("Admin") };
        var paths = Paths(gateway.Services.GetRequiredService<EndpointDataSource>()).ToList();
        foreach (var path in paths)
        {
            var (status, text) = await ReadAsync(http, path);
            Assert.True(secrets.All(secret => !text.Contains(secret, StringComparison.OrdinalIgnoreCase)), $"{path} ({status}) says a secret: {text}");
        }

        Assert.Contains("/api/v1/configuration/settings", paths);
        Assert.Contains("/api/v1/users/bob", paths);
        Assert.Contains("/metrics", paths);
        Assert.True(paths.Count >= 18, string.Join(' ', paths));
    }

    /// <summary>Every path of the admin role that answers GET, its parameters filled in.</summary>
    private static IEnumerable<string> Paths(EndpointDataSource endpoints) => endpoints.Endpoints
        .OfType<RouteEndpoint>()
        .Where(static endpoint => endpoint.Metadata.GetMetadata<ListenerRoleMetadata>()?.Role == ListenerRole.Admin)
        .Where(static endpoint => endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods is not { } methods || methods.Contains("GET"))
        .Select(static endpoint => "/" + endpoint.RoutePattern.RawText!.Trim('/').Replace("{name}", "bob", StringComparison.Ordinal))
        .Where(static path => !path.Contains('{', StringComparison.Ordinal));

    private static async Task<(HttpStatusCode, string)> ReadAsync(HttpClient client, string path)
    {
        using var response = await client.GetAsync(new Uri(path, UriKind.Relative), Cancellation);
        return (response.StatusCode, await response.Content.ReadAsStringAsync(Cancellation));
    }

    /// <summary>The password and the key that the gateway made; each is told once, in the answer to the call that asked for it.</summary>
    private static async Task<string[]> AddUserAsync(AdminClient client)
    {
        var (added, user) = await client.SendAsync(HttpMethod.Post, "/users", """{ "name": "bob", "generate": true }""");
        var (made, key) = await client.SendAsync(HttpMethod.Post, "/users/bob/keys", """{ "label": "laptop" }""");
        Assert.True((int)added is >= 200 and < 300 && (int)made is >= 200 and < 300, $"{added} {made}");
        return [(string)user!["password"]!, (string)key!["key"]!];
    }

    private static string Settings(string database, string tokenHash) => $$"""
        "SharedState": { "Redis": "127.0.0.1:1,password={{Marker}}1,user=me", "Database": "{{database}}" },
        "Admin": { "LocalAccess": "Always", "Tokens": { "ops": { "Hash": "sha256:{{tokenHash}}" } } },
        "Egress": { "DefaultProfile": "out", "Profiles": { "out": { "Upstreams": { "HealthCheck": { "Interval": "00:00:00" }, "Proxies": {
          "parent": { "Address": "http://127.0.0.1:1", "User": "u", "Password": "{{Marker}}2" } } } } } },
        "Filtering": {
          "Lists": { "remote": { "Source": "http://127.0.0.1:1/list?key={{Marker}}3", "Format": "Hosts" } },
          "Rules": [ { "Name": "tag", "Match": { "HostLists": [ "remote" ] }, "Action": "Deny" },
                     { "Name": "login", "Match": { "Hosts": [ "a.example" ] }, "Action": "SetField", "Field": "Authorization", "Value": "{{Marker}}12" } ] },
        "Privacy": { "RequestFields": { "Set": { "Authorization": "Basic {{Marker}}4", "X-Api-Key": "{{Marker}}10", "Cookie": "sid={{Marker}}11" } } }
        """;

    private static string WithSecretsOfTheProxy(string text) => text
        .Replace("\"Users\": {", "\"Users\": { \"Stores\": [ \"Configuration\", \"Database\" ],", StringComparison.Ordinal)
        .Replace("\"Path\": \"{**rest}\" }", string.Create(CultureInfo.InvariantCulture, $$"""
            "Path": "{**rest}" }, "Transforms": [ { "RequestHeader": "Authorization", "Set": "Bearer {{Marker}}5" }, { "RequestHeader": "X-Api-Key", "Set": "{{Marker}}6" } ]
            """), StringComparison.Ordinal)
        .Replace("\"AccessLog\": {", $"\"AccessLog\": {{ \"Hash\": [ \"User\" ], \"HashKey\": \"{Marker}7-long-enough\",", StringComparison.Ordinal)
        .Replace("\"Address\": \"http://127.0.0.1:9", $"\"Address\": \"http://u:{Marker}8@127.0.0.1:9", StringComparison.Ordinal);
}
