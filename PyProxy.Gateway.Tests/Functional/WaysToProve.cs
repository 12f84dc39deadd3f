using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using PyProxy.Gateway.Configuration;
using PyProxy.Gateway.Tests.Users;
using PyProxy.Gateway.Users.Passwords;

namespace PyProxy.Gateway.Tests.Functional;

/// <summary>A gateway on which every way to prove who one is, is open somewhere, with an issuer of tokens and an origin.</summary>
public abstract class WaysToProve : IAsyncLifetime
{
    protected static readonly string Password = Basic($"alice:{GatewayServer.Password}");

    private readonly string _keyId;

    protected WaysToProve() => (_keyId, Key) = GeneratedCredential.NewApiKey();

    private protected TokenIssuer Issuer { get; } = new();

    private protected OriginServer Origin { get; private set; } = null!;

    private protected GatewayServer Gateway { get; private set; } = null!;

    protected string Key { get; }

    protected X509Certificate2 ClientCertificate { get; private set; } = null!;

    protected X509Certificate2 StrangersCertificate { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Origin = await OriginServer.StartAsync(endpoints: app => app.MapGet("/jwks", Issuer.ServeKeySetAsync));
        Gateway = await GatewayServer.StartAsync(configuration: Configuration);
    }

    public async ValueTask DisposeAsync()
    {
        await Gateway.DisposeAsync();
        await Origin.DisposeAsync();
        Issuer.Dispose();
        ClientCertificate.Dispose();
        StrangersCertificate.Dispose();
        GC.SuppressFinalize(this);
    }

    protected string Token() => Issuer.Issue(claims: new Dictionary<string, object>(StringComparer.Ordinal) { ["roles"] = new[] { "staff", "others" } });

    protected static string Basic(string text) => "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    protected async Task<HttpStatusCode> AskAsync(string endpoint, string path, params (string Name, string Value)[] fields)
    {
        using var client = new HttpClient();
        using var request = Request(new Uri(Gateway.Url(endpoint), path), fields);
        using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
        return response.StatusCode;
    }

    protected async Task<HttpStatusCode> ForwardAsync(string endpoint, params (string Name, string Value)[] fields)
    {
        using var client = ClientBehind(endpoint);
        using var request = Request(new Uri(Origin.Address, "/echo"), fields);
        using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
        return response.StatusCode;
    }

    protected HttpClient ClientBehind(string endpoint) => new(new SocketsHttpHandler { Proxy = new WebProxy(Gateway.Url(endpoint)) });

    protected async Task<HttpStatusCode> ForwardOverTlsAsync(X509Certificate2 certificate, params (string Name, string Value)[] fields)
    {
        // A client that presents a certificate to its proxy: by hand, because HttpClient has none for proxies.
        using var client = await RawClient.ConnectAsync(Gateway.Port("Mutual"));
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
        var head = $"GET {new Uri(Origin.Address, "/echo")} HTTP/1.1\r\nHost: {Origin.Address.Authority}\r\nConnection: close\r\n"
            + string.Concat(fields.Select(field => $"{field.Name}: {field.Value}\r\n")) + "\r\n";
        await tls.WriteAsync(Encoding.ASCII.GetBytes(head), TestContext.Current.CancellationToken);
        using var reader = new StreamReader(tls);
        var answer = await reader.ReadToEndAsync(TestContext.Current.CancellationToken);
        return (HttpStatusCode)int.Parse(answer.AsSpan("HTTP/1.1 ".Length, 3), provider: null);
    }

    protected async Task<string> ConnectOverHttp2Async()
    {
        var (_, output) = await Tool.RunAsync("node", "nodejs", $$"""
            const client = require('http2').connect('http://127.0.0.1:{{Gateway.Port("H2c")}}');
            const tunnel = client.request({ ':method': 'CONNECT', ':authority': '{{Origin.Address.Authority}}',
              'proxy-authorization': '{{Password}}' }, { endStream: false });
            tunnel.on('response', fields => { console.log(fields[':status']); tunnel.end(); });
            tunnel.on('data', () => {});
            tunnel.on('end', () => client.close());
            """, "-");
        return output.TrimEnd('\n');
    }

    protected static HttpRequestMessage Request(Uri target, params (string Name, string Value)[] fields)
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
    protected async Task<List<JsonElement>> RecordsAsync()
    {
        await Gateway.StopAsync();
        return [.. (await Gateway.AccessLogAsync()).TrimEnd().Split('\n').Select(static line => JsonSerializer.Deserialize<JsonElement>(line))];
    }

    protected async Task ReloadAsync(string text)
    {
        var next = Gateway.ConfigurationPath + ".next";
        await File.WriteAllTextAsync(next, text, TestContext.Current.CancellationToken);
        File.Move(next, Gateway.ConfigurationPath, overwrite: true);
        await Gateway.Services.GetRequiredService<ConfigurationReloader>().ReloadAsync(TestContext.Current.CancellationToken);
    }

    private void IssueCertificates(string directory)
    {
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Test Authority", authorityKey, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var authority = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100));
        File.WriteAllText(Path.Combine(directory, "authority.pem"), authority.ExportCertificatePem());
        ClientCertificate = Issue(authority, "CN=build, O=Example", "spiffe://example.test/build");
        StrangersCertificate = Issue(authority, "CN=stranger, O=Example", "spiffe://example.test/stranger");
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
                  "default": { "ClusterId": "origin", "Match": { "Path": "/default/{**rest}" }, "AuthorizationPolicy": "default" },
                  "anonymous": { "ClusterId": "origin", "Match": { "Path": "/anonymous/{**rest}" }, "AuthorizationPolicy": "anonymous" },
                  "rest":    { "ClusterId": "origin", "Match": { "Path": "{**rest}" } } },
                "Clusters": { "origin": { "Destinations": { "one": { "Address": "{{Origin.Address}}" } } } } },
              "Gateway": {
                "Users": { "Accounts": { "alice": { "PasswordHash": "{{GatewayServer.PasswordHashText}}", "Groups": [ "staff" ],
                                                    "ApiKeys": { "{{_keyId}}": "{{KeyedHash.CreateGenerated(Key)}}" } } } },
                "Authentication": {
                  "Bearer": { "Issuers": { "test": { "Issuer": "{{TokenIssuer.Name}}", "Audiences": [ "{{TokenIssuer.Audience}}" ],
                                                     "JwksUrl": "{{Origin.Address}}jwks", "GroupsClaim": "roles" } } },
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
