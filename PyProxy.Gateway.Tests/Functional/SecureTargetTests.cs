using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace PyProxy.Gateway.Tests.Functional;

/// <summary>Absolute-form requests for <c>https://</c>: the gateway is the TLS client, and the machine's trust store is its judge.</summary>
public sealed class SecureTargetTests : IAsyncLifetime
{
    private const string Policy = """ "Egress": { "AllowedAddresses": [ "127.0.0.0/8", "::1" ] } """;

    private X509Certificate2 _certificate = null!;
    private OriginServer _origin = null!;

    private string Request => $"GET https://localhost:{_origin.Address.Port}/a%2Fb HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n";

    public async ValueTask InitializeAsync()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        _certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(150));
        _origin = await OriginServer.StartAsync(certificate: _certificate);
    }

    public async ValueTask DisposeAsync()
    {
        await _origin.DisposeAsync();
        _certificate.Dispose();
    }

    [Fact]
    public async Task TrustedTarget_IsAsked()
    {
        using var directory = new TemporaryDirectory("trusted");
        var trusted = directory.Write("ca.pem", _certificate.ExportCertificatePem());
        await using var gateway = await GatewayProcess.StartAsync(
            folder => GatewayServer.Configuration(folder, _origin.Address, Policy),
            new Dictionary<string, string>(StringComparer.Ordinal) { ["SSL_CERT_FILE"] = trusted });
        var ports = await gateway.ListeningAsync();
        using var client = await RawClient.ConnectAsync(ports["Open"]);

        await client.SendAsync(Request);

        Assert.StartsWith("HTTP/1.1 200", await client.ReadHeadAsync(), StringComparison.Ordinal);
        Assert.Equal("/a%2Fb", _origin.LastRequest.Target);
        Assert.Equal($"localhost:{_origin.Address.Port}", _origin.LastRequest["Host"]);
    }

    [Fact]
    public async Task TargetThatIsSilentInTheHandshake_IsGivenUpAfterTheTimeForIt()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0); // connections stand, and nobody says anything
        silent.Start();
        await using var gateway = await GatewayServer.StartAsync(
            gateway: """ "Egress": { "AllowedAddresses": [ "127.0.0.1" ], "ConnectTimeout": "00:00:00.1", "TlsTimeout": "00:00:00.1" } """);
        using var client = await RawClient.ConnectAsync(gateway.Port("Open"));

        await client.SendAsync($"GET https://{silent.LocalEndpoint}/ HTTP/1.1\r\nHost: x\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 504", await client.ReadHeadAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task TargetThatNobodyTrusts_IsABadGateway()
    {
        await using var gateway = await GatewayServer.StartAsync(gateway: Policy);
        using var client = await RawClient.ConnectAsync(gateway.Port("Open"));

        await client.SendAsync(Request);
        var (head, _) = await client.ReadAnswerAsync();

        Assert.StartsWith("HTTP/1.1 502", head, StringComparison.Ordinal);
        Assert.Contains("tls_certificate_error", head, StringComparison.Ordinal);
        Assert.Empty(_origin.Requests);
    }
}
