using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace PyProxy.Gateway.Tests.Functional;

/// <summary>
/// A client that behaves as browsers do: it asks without credentials first, answers the challenge, keeps tunnels open and multiplexes HTTP/2 in
/// them, loads many things of a page at once, and shows people what it is refused.
/// </summary>
public sealed class BrowserLikeClientTests : IAsyncLifetime
{
    private const int Things = 40;

    private OriginServer _secure = null!;
    private OriginServer _plain = null!;
    private GatewayServer _gateway = null!;
    private HttpClient _browser = null!;

    public async ValueTask InitializeAsync()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(150));
        _secure = await OriginServer.StartAsync(protocols: HttpProtocols.Http1AndHttp2, certificate: certificate);
        _plain = await OriginServer.StartAsync();
        _gateway = await GatewayServer.StartAsync(gateway: """
            "Egress": { "AllowedAddresses": [ "127.0.0.1" ], "ConnectPorts": [ "*" ] },
            "Filtering": { "Rules": [ { "Name": "no-ads", "Match": { "Hosts": [ "ads.example" ] }, "Action": "Deny" } ] }
            """);
        _browser = new HttpClient(new SocketsHttpHandler
        {
            Proxy = new WebProxy(_gateway.Url("Proxy")) { Credentials = new NetworkCredential("alice", GatewayServer.Password) },
            SslOptions = { RemoteCertificateValidationCallback = static (_, _, _, _) => true },
            MaxConnectionsPerServer = 6,
            AutomaticDecompression = DecompressionMethods.All,
        })
        {
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultRequestHeaders =
            {
                { "User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36" },
                { "Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8" },
                { "Accept-Language", "en" },
                { "Upgrade-Insecure-Requests", "1" },
            },
        };
    }

    public async ValueTask DisposeAsync()
    {
        _browser.Dispose();
        await _gateway.DisposeAsync();
        await _secure.DisposeAsync();
        await _plain.DisposeAsync();
    }

    [Fact]
    public async Task PageWithManyThings_Loads()
    {
        var cancellation = TestContext.Current.CancellationToken;
        foreach (var origin in (OriginServer[])[_secure, _plain])
        {
            Assert.Equal("origin", await _browser.GetStringAsync(origin.Address, cancellation));
            var things = await Task.WhenAll(Enumerable.Range(0, Things).Select(i => _browser.GetStringAsync(new Uri(origin.Address, $"/{i}"), cancellation)));

            Assert.All(things, static thing => Assert.Equal("origin", thing));
            Assert.Equal(Things + 1, origin.Requests.Count);
            Assert.All(origin.Requests, static request => Assert.Null(request["Proxy-Authorization"]));
        }

        Assert.All(_secure.Requests, static request => Assert.Equal("HTTP/2", request.Protocol));
        Assert.All(_plain.Requests, static request => Assert.Equal("1", request["Upgrade-Insecure-Requests"]));
    }

    [Fact]
    public async Task RefusedPage_IsOneToRead()
    {
        using var answer = await _browser.GetAsync(new Uri("http://ads.example/"), TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.Equal("text/html", answer.Content.Headers.ContentType?.MediaType);
        Assert.Contains("no-ads", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }
}
