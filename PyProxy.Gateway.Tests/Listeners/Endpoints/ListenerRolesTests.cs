using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using PyProxy.Gateway.Egress;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Listeners.Endpoints;

public sealed class ListenerRolesTests
{
    private const string Any = "http://127.0.0.1:0";

    private static (string, string)[] Two =>
        [("Kestrel:Endpoints:Web:Url", Any), ("Kestrel:Endpoints:Ops:Url", Any), ("Kestrel:Endpoints:Ops:Role", "Admin")];

    [Theory]
    [InlineData("Web", "/web", "GET", "200")]
    [InlineData("Web", "/admin", "GET", "404")]
    [InlineData("Web", "/admin", "POST", "404")]
    [InlineData("Ops", "/admin", "GET", "200")]
    [InlineData("Ops", "/admin", "POST", "405")]
    [InlineData("Ops", "/web", "GET", "404")]
    public async Task Endpoint_ExistsOnItsRoleOnly(string endpoint, string path, string method, string status)
    {
        await using var server = await ListenerServer.StartAsync(Two);

        Assert.Equal(status, await server.AskAsync(endpoint, path, method));
    }

    [Fact]
    public async Task BoundPorts_AreKnownAndOwned()
    {
        await using var server = await ListenerServer.StartAsync([.. Two, ("Kestrel:Endpoints:All:Url", "http://*:0")]);
        var own = server.Services.GetRequiredService<IOwnListeners>();
        var (web, all) = (server.Registry.Find("web"), server.Registry.Find("All"));

        Assert.Equal(3, server.Registry.Listeners.Select(l => l.Port).Where(p => p != 0).Distinct().Count());
        Assert.Equal($"http://127.0.0.1:{web.Port}", web.Url);
        Assert.True(own.Contains(new IPEndPoint(IPAddress.Loopback, web.Port)));
        Assert.False(own.Contains(new IPEndPoint(IPAddress.Parse("192.0.2.1"), all.Port)));
        Assert.True(own.Contains(new IPEndPoint(IPAddress.Parse("127.8.9.1"), all.Port)));
        Assert.True(own.Contains(new IPEndPoint(IPAddress.IPv6Loopback, all.Port)));
    }

    [Fact]
    public async Task AddressFromUrls_IsReverse()
    {
        await using var server = await ListenerServer.StartAsync(("urls", Any));

        var listener = Assert.Single(server.Registry.Listeners);
        Assert.Equal(ListenerRole.Reverse, listener.Role);
        Assert.Equal("200", await server.AskAsync(listener.Name, "/web"));
    }

    [Fact]
    public async Task ProxyProtocol_IsPerEndpoint()
    {
        await using var server = await ListenerServer.StartAsync(
            [.. Two, ("Kestrel:Endpoints:Web:ProxyProtocol", "Required"), ("Gateway:Listeners:TrustedProxies:0", "127.0.0.1")]);
        using var client = await server.ConnectAsync("Web");

        await client.SendAsync("PROXY TCP4 203.0.113.9 203.0.113.1 4000 80\r\nGET /web HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n");

        Assert.Contains("http 203.0.113.9", await client.ReceiveToEndAsync(), StringComparison.Ordinal);
        Assert.Equal("200", await server.AskAsync("Ops", "/admin"));
    }

    [Theory]
    [InlineData("Reverse", "1.1", "/web", "200 https 127.0.0.1")]
    [InlineData("Reverse", "2.0", "/web", "200 https 127.0.0.1")]
    [InlineData("Reverse", "2.0", "/admin", "404 ")]
    [InlineData("Admin", "2.0", "/admin", "200 admin")]
    [InlineData("Forward", "1.1", "/web", "404 ")]
    public async Task Tls_WorksOnEveryRole(string role, string version, string path, string expected)
    {
        using var files = new Files();
        await using var server = await ListenerServer.StartAsync([.. files.Tls, ("Kestrel:Endpoints:Tls:Role", role)]);

        Assert.Equal(expected, await server.AskTlsAsync("Tls", path, Version.Parse(version)));
    }

    [Theory]
    [InlineData("Reverse")]
    [InlineData("Forward")]
    [InlineData("Admin")]
    public async Task Sni_ChoosesTheCertificateOnEveryRole(string role)
    {
        using var files = new Files();
        await using var server = await ListenerServer.StartAsync([
            ("Kestrel:Endpoints:Tls:Url", "https://127.0.0.1:0"),
            ("Kestrel:Endpoints:Tls:Role", role),
            .. files.Certificate("Kestrel:Endpoints:Tls:Sni:a.example:Certificate", "a.example"),
            .. files.Certificate("Kestrel:Endpoints:Tls:Sni:*.b.example:Certificate", "b.example")]);

        Assert.Equal("CN=a.example HTTP/1.1 404", await AskByNameAsync(server, "a.example"));
        Assert.Equal("CN=b.example HTTP/1.1 404", await AskByNameAsync(server, "x.b.example"));
        await Assert.ThrowsAnyAsync<Exception>(() => AskByNameAsync(server, "c.example")); // no certificate is anybody's
    }

    [Fact]
    public async Task CertificatesForNames_ShowWhenTheyExpire()
    {
        using var files = new Files();
        await using var server = await ListenerServer.StartAsync([
            .. files.Tls,
            .. files.Certificate("Kestrel:Endpoints:Tls:Sni:a.example:Certificate", "a.example"),
            .. files.Pkcs12("Kestrel:Endpoints:Tls:Sni:*.b.example:Certificate", "b.example")]);
        using var expiry = new MetricCollector<double>(server.Services.GetRequiredService<IMeterFactory>(), "PyProxy.Gateway", "pyproxy.certificate.expiry_time");

        expiry.RecordObservableInstruments();

        var seen = expiry.GetMeasurementSnapshot();
        Assert.Equal(["", "*.b.example", "a.example"], seen.Select(m => m.Tags.GetValueOrDefault("sni")?.ToString() ?? "").Order(StringComparer.Ordinal));
        Assert.All(seen, m => Assert.Equal(("Tls", true), (m.Tags["endpoint"], m.Value > TimeProvider.System.GetUtcNow().ToUnixTimeSeconds())));
    }

    [Theory]
    [InlineData("Forward", "HTTP/1.1 404")]
    [InlineData("Reverse", "HTTP/1.1 400")]
    public async Task ConnectWithAnotherHost_PassesBehindTlsOnForwardOnly(string role, string expected)
    {
        using var files = new Files();
        await using var server = await ListenerServer.StartAsync([.. files.Tls, ("Kestrel:Endpoints:Tls:Role", role)]);
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, server.Registry.Find("Tls").Port, TestContext.Current.CancellationToken);
        await using var tls = new SslStream(new NetworkStream(socket), leaveInnerStreamOpen: false, (_, _, _, _) => true);
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "localhost" }, TestContext.Current.CancellationToken);

        await tls.WriteAsync("CONNECT a.example:443 HTTP/1.1\r\nHost: b.example\r\n\r\n"u8.ToArray(), TestContext.Current.CancellationToken);

        var start = new byte[expected.Length];
        await tls.ReadExactlyAsync(start, TestContext.Current.CancellationToken);
        Assert.Equal(expected, Encoding.ASCII.GetString(start));
    }

    [Fact]
    public async Task ClientCertificate_MustComeFromTheConfiguredAuthorities()
    {
        using var files = new Files();
        using var known = ListenerServer.Certificate("known", authority: true);
        using var stranger = ListenerServer.Certificate("stranger", authority: true);
        await using var server = await ListenerServer.StartAsync([
            .. files.Tls,
            ("Kestrel:Endpoints:Tls:ClientCertificateMode", "RequireCertificate"),
            ("Kestrel:Endpoints:Tls:ClientCertificateAuthorities:0", files.Write("ca.pem", known.ExportCertificatePem()))]);

        Assert.StartsWith("200", await server.AskTlsAsync("Tls", "/web", HttpVersion.Version11, known), StringComparison.Ordinal);
        await Assert.ThrowsAsync<HttpRequestException>(() => server.AskTlsAsync("Tls", "/web", HttpVersion.Version11, stranger));
        await Assert.ThrowsAsync<HttpRequestException>(() => server.AskTlsAsync("Tls", "/web", HttpVersion.Version11));
    }

    private static async Task<string> AskByNameAsync(ListenerServer server, string name)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, server.Registry.Find("Tls").Port, TestContext.Current.CancellationToken);
        await using var tls = new SslStream(new NetworkStream(socket), leaveInnerStreamOpen: false, (_, _, _, _) => true);
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = name }, TestContext.Current.CancellationToken);
        await tls.WriteAsync(Encoding.ASCII.GetBytes($"GET /none HTTP/1.1\r\nHost: {name}\r\n\r\n"), TestContext.Current.CancellationToken);
        var start = new byte["HTTP/1.1 404".Length];
        await tls.ReadExactlyAsync(start, TestContext.Current.CancellationToken);
        return $"{tls.RemoteCertificate!.Subject} {Encoding.ASCII.GetString(start)}";
    }

    private sealed class Files : IDisposable
    {
        private readonly TemporaryDirectory _directory = new("listeners");

        public (string, string)[] Tls =>
            [("Kestrel:Endpoints:Tls:Url", "https://127.0.0.1:0"), .. Certificate("Kestrel:Endpoints:Tls:Certificate", "localhost")];

        /// <summary>The settings of a section that names a certificate.</summary>
        public (string, string)[] Certificate(string section, string name)
        {
            using var certificate = ListenerServer.Certificate(name);
            return [
                ($"{section}:Path", Write($"{name}.pem", certificate.ExportCertificatePem())),
                ($"{section}:KeyPath", Write($"{name}.key", certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem()))];
        }

        public (string, string)[] Pkcs12(string section, string name)
        {
            using var certificate = ListenerServer.Certificate(name);
            var path = Path.Combine(_directory.Path, $"{name}.pfx");
            File.WriteAllBytes(path, certificate.Export(X509ContentType.Pkcs12, "secret"));
            return [($"{section}:Path", path), ($"{section}:Password", "secret")];
        }

        public string Write(string name, string text)
        {
            var path = Path.Combine(_directory.Path, name);
            File.WriteAllText(path, text);
            return path;
        }

        public void Dispose() => _directory.Dispose();
    }
}
