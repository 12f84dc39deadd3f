using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using PyProxy.Gateway.Egress;

namespace PyProxy.Gateway.Tests.Egress;

public sealed class CertificateDownloadTests
{
    [Fact]
    public async Task IssuerThatACertificatePointsTo_IsNotFetched()
    {
        using var issuer = new TcpListener(IPAddress.Loopback, 0);
        issuer.Start();
        using var origin = new Origin();
        using var certificate = Issue($"http://{issuer.LocalEndpoint}/ca.crt");
        await using var egress = new EgressFixture([EgressFixture.Allow("127.0.0.1")]);
        var serving = ServeAsync(origin, certificate);
        using var request = new HttpRequestMessage(HttpMethod.Get, $"https://127.0.0.1:{origin.Port}/");

        var failure = await Assert.ThrowsAsync<HttpRequestException>(
            () => egress.Handlers.Forward.SendAsync(request, TestContext.Current.CancellationToken).WaitAsync(EgressFixture.Patience, TestContext.Current.CancellationToken));

        Assert.IsType<AuthenticationException>(failure.InnerException); // the issuer is not known
        Assert.False(issuer.Pending());
        await serving;
    }

    [Fact]
    public async Task Handshakes_LeaveNothingInTheSharedPolicy()
    {
        using var origin = new Origin();
        using var certificate = Issue("http://127.0.0.1:1/ca.crt");
        await using var egress = new EgressFixture();
        var handler = egress.Handlers.CreateHandler(DialPurpose.Configured);
        using var invoker = new HttpMessageInvoker(handler);
        var serving = ServeAsync(origin, certificate);
        using var request = new HttpRequestMessage(HttpMethod.Get, $"https://127.0.0.1:{origin.Port}/");

        await Assert.ThrowsAsync<HttpRequestException>(
            () => invoker.SendAsync(request, TestContext.Current.CancellationToken).WaitAsync(EgressFixture.Patience, TestContext.Current.CancellationToken));

        Assert.Empty(handler.SslOptions.CertificateChainPolicy!.ExtraStore);
        await serving;
    }

    private static async Task ServeAsync(Origin origin, X509Certificate2 certificate)
    {
        using var accepted = await origin.AcceptAsync();
        await using var tls = new SslStream(new NetworkStream(accepted));
        try
        {
            // Offline, or the server would itself fetch the issuer.
            var context = SslStreamCertificateContext.Create(certificate, additionalCertificates: null, offline: true);
            await tls.AuthenticateAsServerAsync(
                new SslServerAuthenticationOptions { ServerCertificateContext = context }, TestContext.Current.CancellationToken);
            _ = await tls.ReadAtLeastAsync(new byte[1], 1, throwOnEndOfStream: false, TestContext.Current.CancellationToken);
        }
        catch (Exception e) when (e is AuthenticationException or IOException)
        {
            // The client does not trust the certificate: that is what it is for.
        }
    }

    private static X509Certificate2 Issue(string issuerUrl)
    {
        using var caKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var caRequest = new CertificateRequest("CN=Unknown CA", caKey, HashAlgorithmName.SHA256);
        caRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        var from = DateTimeOffset.UnixEpoch.AddYears(40);
        var until = DateTimeOffset.UnixEpoch.AddYears(120);
        using var ca = caRequest.CreateSelfSigned(from, until);

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=127.0.0.1", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509AuthorityInformationAccessExtension([], [issuerUrl]));
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using var leaf = request.Create(ca, from, until, [1, 2, 3, 4]);
        return leaf.CopyWithPrivateKey(key);
    }
}
