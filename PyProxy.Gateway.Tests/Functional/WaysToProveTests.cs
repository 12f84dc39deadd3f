using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using PyProxy.Gateway.Configuration;
using PyProxy.Gateway.Tests.Users;
using PyProxy.Gateway.Users.Passwords;

namespace PyProxy.Gateway.Tests.Functional;

/// <summary>Every way to prove who one is, through the whole gateway: real certificates, a real key set, real clients.</summary>
public sealed class WaysToProveTests : IAsyncLifetime
{
    private static readonly string Password = Basic($"alice:{GatewayServer.Password}");

    private readonly TokenIssuer _issuer = new();
    private readonly string _keyId;
    private readonly string _key;
    private OriginServer _origin = null!;
    private GatewayServer _gateway = null!;
    private X509Certificate2 _clientCertificate = null!;
    private X509Certificate2 _strangersCertificate = null!;

    public WaysToProveTests() => (_keyId, _key) = GeneratedCredential.NewApiKey();

    public async ValueTask InitializeAsync()
    {
        _origin = await OriginServer.StartAsync(endpoints: app => app.MapGet("/jwks", _issuer.ServeKeySetAsync));
        _gateway = await GatewayServer.StartAsync(configuration: Configuration);
    }

    public async ValueTask DisposeAsync()
    {
        await _gateway.DisposeAsync();
        await _origin.DisposeAsync();
        _issuer.Dispose();
        _clientCertificate.Dispose();
        _strangersCertificate.Dispose();
    }

    [Fact]
    public async Task OneUser_IsTheSameOnEveryWayIn()
    {
        var target = new Uri(_origin.Address, "/echo").ToString();
        string[] user = ["--proxy-user", $"alice:{GatewayServer.Password}", "-o", "/dev/null"];
        Assert.Equal(0, (await Curl.RunAsync(["--proxy", _gateway.Url("Proxy").ToString(), .. user, target])).ExitCode);
        Assert.Equal(0, (await Curl.RunAsync(["--proxy", _gateway.Url("Proxy").ToString(), "--proxytunnel", .. user, target])).ExitCode);
        Assert.Equal(0, (await Curl.RunAsync(["--socks5-hostname", _gateway.Url("Socks").Authority, .. user, target])).ExitCode);
        Assert.Equal("200", await ConnectOverHttp2Async());
        Assert.Equal(HttpStatusCode.OK, await AskAsync("Web", "/staff/x", ("Authorization", Password)));
        Assert.Equal(HttpStatusCode.OK, await AskAsync("Web", "/staff/x", ("Authorization", "Bearer " + Token())));
        Assert.Equal(HttpStatusCode.OK, await AskAsync("Web", "/keyed/x", ("X-Partner", _key)));
        Assert.Equal(HttpStatusCode.OK, await ForwardAsync("Proxy", ("Proxy-Authorization", "Bearer " + Token())));
        Assert.Equal(HttpStatusCode.OK, await ForwardAsync("Proxy", ("X-Api-Key", _key)));
        Assert.Equal(HttpStatusCode.OK, await ForwardAsync("ByAddress"));
        Assert.Equal(HttpStatusCode.OK, await ForwardOverTlsAsync(_clientCertificate));

        var records = await RecordsAsync();
        Assert.Equal(
            [
                "forward Basic", "connect Basic", "socks Socks5", "connect Basic", "reverse Basic", "reverse Bearer", "reverse ApiKey",
                "forward Bearer", "forward ApiKey", "forward ClientAddress", "forward ClientCertificate",
            ],
            records.Select(record => $"{record.GetProperty("way_in").GetString()} {record.GetProperty("auth_scheme").GetString()}"));
        Assert.All(records, record => Assert.Equal("alice", record.GetProperty("user").GetString()));
        Assert.DoesNotContain(_key, await _gateway.AccessLogAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task CredentialsForTheGateway_NeverReachTheOrigin()
    {
        var wrong = Basic("alice:wrong");
        await ForwardAsync("Proxy", ("Proxy-Authorization", Password), ("Authorization", "Bearer for-the-origin"));
        Assert.Equal("Bearer for-the-origin", _origin.LastRequest["Authorization"]);
        await ForwardAsync("Open", ("Proxy-Authorization", Password));
        await ForwardAsync("ByAddress");
        await AskAsync("Web", "/open", ("Proxy-Authorization", wrong), ("Authorization", wrong));
        Assert.Equal(wrong, _origin.LastRequest["Authorization"]); // nobody asked for it: it is the origin's
        await AskAsync("Web", "/staff/x", ("Authorization", Password), ("Proxy-Authorization", wrong));
        Assert.Null(_origin.LastRequest["Authorization"]);
        await AskAsync("Web", "/passing/x", ("Authorization", Password), ("Proxy-Authorization", wrong));
        Assert.Equal(Password, _origin.LastRequest["Authorization"]);
        await AskAsync("Web", "/keyed/x", ("X-Partner", _key), ("Authorization", wrong));
        Assert.Null(_origin.LastRequest["X-Partner"]);
        await AskAsync("Web", $"/keyed/x?a=1&key={_key}&b=%2f");
        Assert.Equal("/keyed/x?a=1&b=%2f", _origin.LastRequest.Target);

        Assert.Equal(8, _origin.Requests.Count);
        Assert.All(_origin.Requests, request => Assert.Null(request["Proxy-Authorization"]));
    }

    [Fact]
    public async Task WrongCredentials_AreRefusedWhereNoneAreNeeded()
    {
        Assert.Equal(HttpStatusCode.OK, await ForwardAsync("Open"));
        Assert.Equal(HttpStatusCode.ProxyAuthenticationRequired, await ForwardAsync("Open", ("Proxy-Authorization", Basic("alice:wrong"))));
        Assert.Equal(HttpStatusCode.ProxyAuthenticationRequired, await ForwardAsync("Open", ("Proxy-Authorization", "Negotiate abc")));
        Assert.Single(_origin.Requests);
    }

    [Fact]
    public async Task KnownButNotAllowed_Is403WithoutAChallenge()
    {
        using var client = new HttpClient();
        using var request = Request(new Uri(_gateway.Url("Web"), "/admins/x"), ("Authorization", Password));
        using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        Assert.Empty(response.Headers.WwwAuthenticate);
        Assert.Contains("\"decidedBy\":\"admins\"", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/keyed/x", "Authorization", null, HttpStatusCode.Unauthorized)]       // right, but not by the route's scheme
    [InlineData("/keyed/x", "X-Api-Key", null, HttpStatusCode.Unauthorized)]           // a key in another route's field
    [InlineData("/staff/x", "X-Api-Key", null, HttpStatusCode.OK)]
    [InlineData("/staff/x?key=", "X-Unused", null, HttpStatusCode.Unauthorized)]       // no keys in this route's query
    public async Task Schemes_AreTheRoutesOwn(string path, string field, string? value, HttpStatusCode expected)
    {
        value ??= field == "Authorization" ? Password : _key;
        Assert.Equal(expected, await AskAsync("Web", path.EndsWith('=') ? path + _key : path, (field, value)));
    }

    [Fact]
    public async Task Schemes_AreTheEndpointsOwn()
    {
        Assert.Equal(HttpStatusCode.OK, await ForwardAsync("ByAddress"));
        Assert.Equal(HttpStatusCode.Forbidden, await ForwardAsync("ByAddress", ("Proxy-Authorization", Password)));
        var (exit, _) = await Curl.RunAsync("--socks5-hostname", _gateway.Url("SocksByAddress").Authority, "-o", "/dev/null", _origin.Address.ToString());
        Assert.Equal(0, exit);
        Assert.Equal(["ClientAddress", "ClientAddress"], (await RecordsAsync()).Where(r => r.TryGetProperty("user", out _)).Select(r => r.GetProperty("auth_scheme").GetString()));
    }

    [Fact]
    public async Task Certificate_OfAStranger_IsNobodys()
    {
        Assert.Equal(HttpStatusCode.ProxyAuthenticationRequired, await ForwardOverTlsAsync(_strangersCertificate));
        Assert.Equal(HttpStatusCode.OK, await ForwardOverTlsAsync(_strangersCertificate, ("Proxy-Authorization", Password)));
    }

    [Fact]
    public async Task SigningKeys_AreFollowedWhenTheyChange()
    {
        var old = Token();
        Assert.Equal(HttpStatusCode.OK, await AskAsync("Web", "/staff/x", ("Authorization", "Bearer " + old)));
        Assert.Equal(1, _issuer.Reads);
        _issuer.Rotate();
        Assert.Equal(HttpStatusCode.OK, await AskAsync("Web", "/staff/x", ("Authorization", "Bearer " + old))); // still remembered, still in force

        // Keys are not read more often than every ten seconds: the new key has to wait for that.
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (await AskAsync("Web", "/staff/x", ("Authorization", "Bearer " + Token())) != HttpStatusCode.OK)
        {
            await Task.Delay(250, patience.Token);
        }

        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync("Web", "/staff/x", ("Authorization", "Bearer " + old)));
    }

    [Fact]
    public async Task KeySetThatIsAway_Is503AndNoChallenge()
    {
        _issuer.Status = HttpStatusCode.InternalServerError;
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await AskAsync("Web", "/staff/x", ("Authorization", "Bearer " + Token())));
    }

    [Fact]
    public async Task PolicyThatAReloadChanges_HoldsFromThenOn()
    {
        Assert.Equal(HttpStatusCode.Forbidden, await AskAsync("Web", "/admins/x", ("Authorization", Password)));
        var text = await File.ReadAllTextAsync(_gateway.ConfigurationPath, TestContext.Current.CancellationToken);
        await ReloadAsync(text.Replace("\"Groups\": [ \"admins\" ]", "\"Users\": [ \"alice\" ]", StringComparison.Ordinal));
        Assert.Equal(HttpStatusCode.OK, await AskAsync("Web", "/admins/x", ("Authorization", Password)));

        // A policy that comes together with the route that names it.
        await ReloadAsync(text
            .Replace("\"AuthorizationPolicy\": \"admins\"", "\"AuthorizationPolicy\": \"fresh\"", StringComparison.Ordinal)
            .Replace("\"admins\": {", "\"fresh\": { \"Claims\": { \"plan\": [ \"none\" ] } }, \"admins\": {", StringComparison.Ordinal));
        Assert.Equal(HttpStatusCode.Forbidden, await AskAsync("Web", "/admins/x", ("Authorization", Password)));

        // And one that is missing.
        var status = _gateway.Services.GetRequiredService<ConfigurationStatus>();
        await ReloadAsync(text.Replace("\"AuthorizationPolicy\": \"admins\"", "\"AuthorizationPolicy\": \"nowhere\"", StringComparison.Ordinal));
        Assert.Contains("nowhere", Assert.Single(status.Current.Problems).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task RefusedRequest_LeavesTheConnectionInOrder_AndItsBodyIsNoRequest()
    {
        using var client = await RawClient.ConnectAsync(_gateway.Port("Proxy"));
        const string body = "GET http://smuggled.test/ HTTP/1.1\r\nHost: smuggled.test\r\n\r\n";
        await client.SendAsync($"POST {_origin.Address} HTTP/1.1\r\nHost: {_origin.Address.Authority}\r\nContent-Length: {body.Length}\r\n\r\n{body}");
        Assert.StartsWith("HTTP/1.1 407 ", (await client.ReadAnswerAsync()).Head, StringComparison.Ordinal);

        await client.SendAsync($"GET {_origin.Address} HTTP/1.1\r\nHost: {_origin.Address.Authority}\r\nProxy-Authorization: {Password}\r\nConnection: close\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200 ", Encoding.Latin1.GetString(await client.ReadToEndAsync()), StringComparison.Ordinal);
        Assert.Equal("/", Assert.Single(_origin.Requests).Target);
    }

    [Fact]
    public async Task Guessing_IsPutOff_AlikeForKnownAndUnknownNames()
    {
        foreach (var name in (string[])["alice", "nobody"])
        {
            for (var i = 0; i < 5; i++)
            {
                Assert.Equal(HttpStatusCode.ProxyAuthenticationRequired, await ForwardAsync("Proxy", ("Proxy-Authorization", Basic($"{name}:guess{i}"))));
            }

            using var client = ClientBehind("Proxy");
            using var request = Request(_origin.Address, ("Proxy-Authorization", Basic($"{name}:{GatewayServer.Password}")));
            using var answer = await client.SendAsync(request, TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.TooManyRequests, answer.StatusCode);
            Assert.InRange(answer.Headers.RetryAfter!.Delta!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(60)); // how long exactly: GuessingLimiterTests
        }

        Assert.NotEqual(0, (await Curl.RunAsync("--socks5-hostname", _gateway.Url("Socks").Authority, "--proxy-user", $"alice:{GatewayServer.Password}", _origin.Address.ToString())).ExitCode);
        Assert.Empty(_origin.Requests);
    }

    private string Token() => _issuer.Issue(claims: new Dictionary<string, object>(StringComparer.Ordinal) { ["roles"] = new[] { "staff", "others" } });

    private static string Basic(string text) => "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private async Task<HttpStatusCode> AskAsync(string endpoint, string path, params (string Name, string Value)[] fields)
    {
        using var client = new HttpClient();
        using var request = Request(new Uri(_gateway.Url(endpoint), path), fields);
        using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
        return response.StatusCode;
    }

    private async Task<HttpStatusCode> ForwardAsync(string endpoint, params (string Name, string Value)[] fields)
    {
        using var client = ClientBehind(endpoint);
        using var request = Request(new Uri(_origin.Address, "/echo"), fields);
        using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
        return response.StatusCode;
    }

    private HttpClient ClientBehind(string endpoint) => new(new SocketsHttpHandler { Proxy = new WebProxy(_gateway.Url(endpoint)) });

    private async Task<HttpStatusCode> ForwardOverTlsAsync(X509Certificate2 certificate, params (string Name, string Value)[] fields)
    {
        // A client that presents a certificate to its proxy: by hand, because HttpClient has none for proxies.
        using var client = await RawClient.ConnectAsync(_gateway.Port("Mutual"));
        using var stream = new System.Net.Sockets.NetworkStream(client.Socket);
        using var tls = new System.Net.Security.SslStream(stream);
        await tls.AuthenticateAsClientAsync(
            new System.Net.Security.SslClientAuthenticationOptions
            {
                TargetHost = "localhost",
                ClientCertificates = [certificate],
                LocalCertificateSelectionCallback = (_, _, _, _, _) => certificate,
                RemoteCertificateValidationCallback = (_, _, _, _) => true,
            },
            TestContext.Current.CancellationToken);
        var head = $"GET {new Uri(_origin.Address, "/echo")} HTTP/1.1\r\nHost: {_origin.Address.Authority}\r\nConnection: close\r\n"
            + string.Concat(fields.Select(field => $"{field.Name}: {field.Value}\r\n")) + "\r\n";
        await tls.WriteAsync(Encoding.ASCII.GetBytes(head), TestContext.Current.CancellationToken);
        using var reader = new StreamReader(tls);
        var answer = await reader.ReadToEndAsync(TestContext.Current.CancellationToken);
        return (HttpStatusCode)int.Parse(answer.AsSpan("HTTP/1.1 ".Length, 3), provider: null);
    }

    private async Task<string> ConnectOverHttp2Async()
    {
        var (_, output) = await Tool.RunAsync("node", "nodejs", $$"""
            const client = require('http2').connect('http://127.0.0.1:{{_gateway.Port("H2c")}}');
            const tunnel = client.request({ ':method': 'CONNECT', ':authority': '{{_origin.Address.Authority}}',
              'proxy-authorization': '{{Password}}' }, { endStream: false });
            tunnel.on('response', fields => { console.log(fields[':status']); tunnel.end(); });
            tunnel.on('data', () => {});
            tunnel.on('end', () => client.close());
            """, "-");
        return output.TrimEnd('\n');
    }

    private static HttpRequestMessage Request(Uri target, params (string Name, string Value)[] fields)
    {
        var asWritten = new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true };
        var request = new HttpRequestMessage(HttpMethod.Get, new Uri(target.OriginalString is var text && target.IsAbsoluteUri ? text : target.ToString(), in asWritten));
        foreach (var (name, value) in fields)
        {
            Assert.True(request.Headers.TryAddWithoutValidation(name, value));
        }

        return request;
    }

    /// <summary>What the log says, in the order of the requests: each was over before the next began.</summary>
    private async Task<List<JsonElement>> RecordsAsync()
    {
        await _gateway.StopAsync();
        return [.. (await _gateway.AccessLogAsync()).TrimEnd().Split('\n').Select(static line => JsonSerializer.Deserialize<JsonElement>(line))];
    }

    private async Task ReloadAsync(string text)
    {
        var next = _gateway.ConfigurationPath + ".next";
        await File.WriteAllTextAsync(next, text, TestContext.Current.CancellationToken);
        File.Move(next, _gateway.ConfigurationPath, overwrite: true);
        await _gateway.Services.GetRequiredService<ConfigurationReloader>().ReloadAsync(TestContext.Current.CancellationToken);
    }

    private void IssueCertificates(string directory)
    {
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Test Authority", authorityKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var authority = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100));
        File.WriteAllText(Path.Combine(directory, "authority.pem"), authority.ExportCertificatePem());
        _clientCertificate = Issue(authority, "CN=build, O=Example", "spiffe://example.test/build");
        _strangersCertificate = Issue(authority, "CN=stranger, O=Example", "spiffe://example.test/stranger");
    }

    private static X509Certificate2 Issue(X509Certificate2 authority, string subject, string uri)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.2")], false));
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("build.example.test");
        names.AddUri(new Uri(uri));
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(authority, DateTimeOffset.UnixEpoch.AddYears(1), DateTimeOffset.UnixEpoch.AddYears(90), RandomNumberGenerator.GetBytes(16));
        return certificate.CopyWithPrivateKey(key);
    }

    private string Configuration(string directory)
    {
        IssueCertificates(directory);
        return $$"""
            {
              "Kestrel": { "Endpoints": {
                "Web":   { "Url": "http://127.0.0.1:0", "Role": "Reverse", "AuthenticationSchemes": [ "Basic", "Bearer", "ApiKey" ] },
                "Proxy": { "Url": "http://127.0.0.1:0", "Role": "Forward", "AuthenticationSchemes": [ "Basic", "Bearer", "ApiKey" ] },
                "Open":  { "Url": "http://127.0.0.1:0", "Role": "Forward", "AllowAnonymous": true, "AuthenticationSchemes": [ "Basic" ] },
                "H2c":   { "Url": "http://127.0.0.1:0", "Role": "Forward", "Protocols": "Http2", "AuthenticationSchemes": [ "Basic" ] },
                "ByAddress": { "Url": "http://127.0.0.1:0", "Role": "Forward", "AuthenticationSchemes": [ "ClientAddress" ] },
                "Mutual": { "Url": "https://127.0.0.1:0", "Role": "Forward", "AuthenticationSchemes": [ "ClientCertificate", "Basic" ],
                            "Certificate": { "Path": "{{directory}}/server.pem", "KeyPath": "{{directory}}/server.key" },
                            "ClientCertificateMode": "RequireCertificate", "ClientCertificateAuthorities": [ "{{directory}}/authority.pem" ] },
                "Socks": { "Url": "http://127.0.0.1:0", "Role": "Socks" },
                "SocksByAddress": { "Url": "http://127.0.0.1:0", "Role": "Socks", "AuthenticationSchemes": [ "ClientAddress" ] } } },
              "ReverseProxy": {
                "Routes": {
                  "staff":   { "ClusterId": "origin", "Match": { "Path": "/staff/{**rest}" }, "AuthorizationPolicy": "staff" },
                  "admins":  { "ClusterId": "origin", "Match": { "Path": "/admins/{**rest}" }, "AuthorizationPolicy": "admins" },
                  "keyed":   { "ClusterId": "origin", "Match": { "Path": "/keyed/{**rest}" }, "AuthorizationPolicy": "keyed" },
                  "passing": { "ClusterId": "origin", "Match": { "Path": "/passing/{**rest}" }, "AuthorizationPolicy": "passing" },
                  "rest":    { "ClusterId": "origin", "Match": { "Path": "{**rest}" } } },
                "Clusters": { "origin": { "Destinations": { "one": { "Address": "{{_origin.Address}}" } } } } },
              "Gateway": {
                "Users": { "Accounts": { "alice": { "PasswordHash": "{{GatewayServer.PasswordHashText}}", "Groups": [ "staff" ],
                                                    "ApiKeys": { "{{_keyId}}": "{{KeyedHash.CreateGenerated(_key)}}" } } } },
                "Authentication": {
                  "Bearer": { "Issuers": { "test": { "Issuer": "{{TokenIssuer.Name}}", "Audiences": [ "{{TokenIssuer.Audience}}" ],
                                                     "JwksUrl": "{{_origin.Address}}jwks", "GroupsClaim": "roles" } } },
                  "ClientCertificates": [ { "San": "URI:spiffe://example.test/build", "User": "alice" } ],
                  "ClientAddresses": [ { "Range": "127.0.0.0/8", "User": "alice" } ],
                  "Policies": {
                    "staff":   { "Groups": [ "staff" ] },
                    "admins": { "Groups": [ "admins" ] },
                    "keyed":   { "Schemes": [ "ApiKey" ], "ApiKeyHeader": "X-Partner", "ApiKeyQuery": "key" },
                    "passing": { "ForwardCredentials": true } },
                  "Guessing": { "FirstDelay": "00:01:00" } },
                "Egress": { "AllowedAddresses": [ "127.0.0.0/8" ], "ConnectPorts": [ "*" ] },
                "DataDirectory": "{{directory}}",
                "Telemetry": { "AccessLog": { "Path": "{{directory}}/access.log" } } }
            }
            """;
    }
}
