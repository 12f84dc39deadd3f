using System.Net;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Privacy;

/// <summary>What an origin learns in each mode, field by field, of a client that tells everything; over both versions of HTTP.</summary>
public sealed class PrivacyModesTests : IAsyncLifetime
{
    private const string Section = """
        "Egress": { "AllowedAddresses": [ "127.0.0.0/8" ], "ConnectPorts": [ "*" ] },
        "Filtering": { "Rules": [ { "Name": "tell", "Match": { "Path": { "Prefix": [ "/tell" ] } }, "Action": "PrivacyProfile", "PrivacyProfile": "open" } ] },
        "Privacy": {
          "Profiles": {
            "open":   { "Mode": "Transparent" },
            "strict": { "Mode": "Strict" },
            "fields": { "StripTrackingParameters": true, "UserAgent": "Fixed", "UserAgentValue": "everybody",
                        "RequestFields":  { "Remove": [ "Cookie" ], "Set": { "X-Tenant": "blue", "Content-Language": "en" } },
                        "ResponseFields": { "Remove": [ "X-Powered-By" ], "Set": { "X-Frame-Options": "DENY" } } } },
          "Users": { USERS },
          "Endpoints": { "Web": "fields" } }
        """;

    private OriginServer _origin = null!;
    private GatewayServer _gateway = null!;

    public async ValueTask InitializeAsync()
    {
        _origin = await OriginServer.StartAsync(endpoints: app => app.Map("{**path}", (HttpContext context) =>
        {
            context.Response.Headers["X-Powered-By"] = "secret";
            return context.Response.WriteAsync("ok");
        }));
        _gateway = await StartAsync(alice: null);
    }

    public async ValueTask DisposeAsync()
    {
        await _gateway.DisposeAsync();
        await _origin.DisposeAsync();
    }

    [Theory]
    [InlineData("Proxy", "1.1")]
    [InlineData("H2c", "2.0")]
    public async Task Anonymous_RevealsTheRequest_AndNoAddress(string endpoint, string version)
    {
        var fields = await AskForwardAsync(endpoint);

        Assert.Equal(
            ["Accept: */*", "Accept-Language: eo", "Authorization: Bearer x", "Cookie: a=1", "Host: ORIGIN", "Referer: http://before.example/", "Sec-CH-UA: odd",
                "User-Agent: curl/8.5.0", $"Via: 1.0 inner, {version} GATEWAY"],
            fields,
            StringComparer.OrdinalIgnoreCase); // HTTP/2 has the names of fields in lower case
    }

    [Theory]
    [InlineData("Proxy", "1.1")]
    [InlineData("H2c", "2.0")]
    public async Task Transparent_AddsTheClientsAddress(string endpoint, string version)
    {
        var fields = await AskForwardAsync(endpoint, "open");

        Assert.Equal(
            ["Accept: */*", "Accept-Language: eo", "Authorization: Bearer x", "Cookie: a=1",
                "Forwarded: for=198.51.100.7, for=127.0.0.1;by=_GATEWAY;proto=http", "Host: ORIGIN", "Referer: http://before.example/", "Sec-CH-UA: odd",
                "User-Agent: curl/8.5.0", $"Via: 1.0 inner, {version} GATEWAY", "X-Forwarded-For: 198.51.100.7, 127.0.0.1", "X-Real-IP: 198.51.100.7"],
            fields,
            StringComparer.OrdinalIgnoreCase); // HTTP/2 has the names of fields in lower case
    }

    [Theory]
    [InlineData("Proxy", "1.1")]
    [InlineData("H2c", "2.0")]
    public async Task Strict_LetsOnlyItsFieldsPass(string endpoint, string version)
    {
        var fields = await AskForwardAsync(endpoint, "strict");

        Assert.Equal(["Accept: */*", "Authorization: Bearer x", "Cookie: a=1", "Host: ORIGIN", $"Via: {version} GATEWAY"], fields, StringComparer.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Rule_ChoosesTheProfile_BeforeTheUsers()
    {
        var fields = await AskForwardAsync("Proxy", "strict", "/tell");

        Assert.Contains("X-Forwarded-For: 198.51.100.7, 127.0.0.1", fields);
        Assert.Contains("Referer: http://before.example/", fields);
    }

    [Fact]
    public async Task Profile_ChangesFieldsOfBothMessages_TheQueryAndTheUserAgent()
    {
        using var client = new HttpClient();
        using var request = Request(new Uri(_gateway.Url("Web"), "/x?utm_source=mail&keep=%C3%A9&fbclid=1"));
        request.Method = HttpMethod.Post;
        request.Content = new StringContent("body");

        using var answer = await client.SendAsync(request, TestContext.Current.CancellationToken);

        var received = _origin.LastRequest;
        Assert.Equal("/x?keep=%C3%A9", received.Target);
        Assert.Equal(("everybody", "blue", "en"), (received["User-Agent"], received["X-Tenant"], received["Content-Language"]));
        Assert.Null(received["Cookie"]);
        Assert.Null(received["X-Real-IP"]);
        Assert.Null(received["Sec-CH-UA"]);
        Assert.False(answer.Headers.Contains("X-Powered-By"));
        Assert.Equal("DENY", answer.Headers.GetValues("X-Frame-Options").Single());
    }

    [Fact]
    public async Task ReverseWithoutProfile_IsLeftToYarp()
    {
        await using var plain = await GatewayServer.StartAsync(_origin.Address, """ "Privacy": { "Mode": "Strict" } """);
        using var client = new HttpClient();

        using var answer = await client.SendAsync(Request(new Uri(plain.Url("Web"), "/")), TestContext.Current.CancellationToken);

        Assert.Equal("http://before.example/", _origin.LastRequest["Referer"]);
        Assert.NotNull(_origin.LastRequest["X-Forwarded-For"]);
    }

    [Fact]
    public async Task TunnelContents_AreNobodysBusiness()
    {
        var (exit, _) = await Curl.RunAsync(
            "--proxy", _gateway.Url("Proxy").ToString(), "--proxytunnel", "--proxy-user", $"alice:{GatewayServer.Password}",
            "-H", "Referer: http://before.example/", new Uri(_origin.Address, "/tunnel").ToString());

        Assert.Equal(0, exit);
        Assert.Equal("http://before.example/", _origin.LastRequest["Referer"]);
        Assert.Null(_origin.LastRequest["Via"]);
    }

    private Task<GatewayServer> StartAsync(string? alice)
        => GatewayServer.StartAsync(_origin.Address, Section.Replace("USERS", alice is null ? "" : $"\"alice\": \"{alice}\"", StringComparison.Ordinal));

    /// <summary>The fields that the origin received, sorted, with what differs from run to run named.</summary>
    private async Task<List<string>> AskForwardAsync(string endpoint, string? profile = null, string path = "/")
    {
        await using var gateway = await StartAsync(profile);
        var credentials = Convert.ToBase64String(System.Text.Encoding.ASCII.GetBytes($"alice:{GatewayServer.Password}"));
        if (endpoint == "H2c")
        {
            await Http2Async(gateway, credentials, path);
        }
        else
        {
            using var handler = new SocketsHttpHandler { Proxy = new WebProxy(gateway.Url(endpoint)), ActivityHeadersPropagator = null };
            using var client = new HttpClient(handler);
            using var request = Request(new Uri(_origin.Address, path));
            request.Headers.TryAddWithoutValidation("Proxy-Authorization", "Basic " + credentials);
            using var answer = await client.SendAsync(request, TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }

        var name = gateway.Services.GetRequiredService<PyProxy.Gateway.Traffic.GatewayIdentity>().Pseudonym;
        return
        [
            .. _origin.LastRequest.Fields.Where(field => field.Key is not "Connection").OrderBy(field => field.Key, StringComparer.OrdinalIgnoreCase)
                .Select(field => $"{field.Key}: {field.Value.Replace(",", ", ", StringComparison.Ordinal).Replace(",  ", ", ", StringComparison.Ordinal)}")
                .Select(line => line.Replace(name, "GATEWAY", StringComparison.Ordinal).Replace(_origin.Address.Authority, "ORIGIN", StringComparison.Ordinal)),
        ];
    }

    /// <summary>Over HTTP/2 a forward request names its target in <c>:authority</c>.</summary>
    private async Task Http2Async(GatewayServer gateway, string credentials, string path)
    {
        using var client = new HttpClient(new SocketsHttpHandler { ActivityHeadersPropagator = null });
        using var request = Request(new Uri(gateway.Url("H2c"), path));
        request.Version = HttpVersion.Version20;
        request.VersionPolicy = HttpVersionPolicy.RequestVersionExact;
        request.Headers.Host = _origin.Address.Authority;
        request.Headers.TryAddWithoutValidation("Proxy-Authorization", "Basic " + credentials);
        using var answer = await client.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    private static HttpRequestMessage Request(Uri target)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, target);
        foreach (var (name, value) in new[]
        {
            ("Accept", "*/*"), ("Accept-Language", "eo"), ("Authorization", "Bearer x"), ("Cookie", "a=1"), ("Referer", "http://before.example/"),
            ("User-Agent", "curl/8.5.0"), ("Sec-CH-UA", "odd"), ("Via", "1.0 inner"), ("X-Forwarded-For", "198.51.100.7"), ("X-Real-IP", "198.51.100.7"),
            ("Forwarded", "for=198.51.100.7"),
        })
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return request;
    }
}
