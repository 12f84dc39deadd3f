using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using PyProxy.Gateway.Users.Schemes;
using PyProxy.Gateway.Users.Schemes.Certificates;

namespace PyProxy.Gateway.Tests.Users.Schemes.Certificates;

public sealed class CertificateRuleTests : IDisposable
{
    private readonly X509Certificate2 _certificate = Create();

    public void Dispose() => _certificate.Dispose();

    [Theory]
    [InlineData("CN=build, OU=Fleet, O=Example", true)]
    [InlineData("cn=build,ou=Fleet,o=Example", true)]
    [InlineData("CN=build", false)]
    [InlineData("CN=build, O=Example", false)]
    [InlineData("O=Example, OU=Fleet, CN=build", false)]
    [InlineData("CN=BUILD, OU=Fleet, O=Example", false)]
    public void Subject_IsComparedWhole(string subject, bool fits) => Assert.Equal(fits, Fits(new() { Subject = subject, User = "u" }));

    [Theory]
    [InlineData("DNS:build.example.test", true)]
    [InlineData("dns:BUILD.example.test", true)]
    [InlineData("DNS:example.test", false)]
    [InlineData("URI:spiffe://example.test/build", true)]
    [InlineData("URI:spiffe://example.test/Build", false)]
    [InlineData("URI:build.example.test", false)]
    [InlineData("email:build@example.test", true)]
    [InlineData("email:BUILD@example.test", false)]
    [InlineData("IP:192.0.2.7", true)]
    [InlineData("IP:192.0.2.8", false)]
    public void AlternativeName_IsComparedWithItsKind(string san, bool fits) => Assert.Equal(fits, Fits(new() { San = san, User = "u" }));

    [Fact]
    public void Thumbprint_IsSha1OrSha256_WithOrWithoutColons()
    {
        var sha256 = _certificate.GetCertHashString(HashAlgorithmName.SHA256);
        Assert.True(Fits(new() { Thumbprint = _certificate.Thumbprint, User = "u" }));
        Assert.True(Fits(new() { Thumbprint = sha256.ToLowerInvariant(), User = "u" }));
        Assert.True(Fits(new() { Thumbprint = string.Join(':', sha256.Chunk(2).Select(pair => new string(pair))), User = "u" }));
        Assert.False(Fits(new() { Thumbprint = new string('0', 64), User = "u" }));
    }

    [Theory]
    [InlineData("zz", null, null)]
    [InlineData("ABCD", null, null)]
    [InlineData(null, "no name", null)]
    [InlineData(null, null, "host.example.test")]
    [InlineData(null, null, "DNS:")]
    [InlineData(null, null, "IP:host")]
    public void NonsenseInTheConfiguration_IsAMistake(string? thumbprint, string? subject, string? san)
    {
        Assert.False(CertificateRule.TryCreate(new() { Thumbprint = thumbprint, Subject = subject, San = san, User = "u" }, out _, out var mistake));
        Assert.NotEmpty(mistake);
    }

    private bool Fits(ClientCertificateOptions options)
    {
        Assert.True(CertificateRule.TryCreate(options, out var rule, out var mistake), mistake);
        return rule.Fits(_certificate);
    }

    private static X509Certificate2 Create()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=build, OU=Fleet, O=Example", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("build.example.test");
        names.AddUri(new Uri("spiffe://example.test/build"));
        names.AddEmailAddress("build@example.test");
        names.AddIpAddress(IPAddress.Parse("192.0.2.7"));
        request.CertificateExtensions.Add(names.Build());
        return request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100));
    }
}
