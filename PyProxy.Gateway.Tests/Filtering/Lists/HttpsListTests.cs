using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using PyProxy.Gateway.Filtering.Lists;
using PyProxy.Gateway.Sections;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Filtering.Lists;

/// <summary>Lists from a real HTTPS server whose certificate an authority of the operator's own has issued.</summary>
public sealed class HttpsListTests : IAsyncLifetime
{
    private readonly TemporaryDirectory _directory = new("lists");
    private OriginServer _server = null!;
    private X509Certificate2 _certificate = null!;

    private string Authorities => Path.Combine(_directory.Path, "ca.pem");

    public async ValueTask InitializeAsync()
    {
        _certificate = Issue();
        _server = await OriginServer.StartAsync(
            endpoints: static app => app.MapGet("/list", static () => "one.example\n"), certificate: _certificate);
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _certificate.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task AuthorityThatIsConfigured_IsTrusted()
    {
        await using var lists = Fixture(("ads:AuthoritiesFile", Authorities));

        await lists.StartAsync();

        Assert.True(lists.List.ContainsHost("www.one.example"), lists.List.State.Error);
    }

    [Fact]
    public async Task AuthorityThatNobodyTrusts_IsNot()
    {
        await using var lists = Fixture();

        await lists.StartAsync();

        Assert.Null(lists.List.State.Content);
        Assert.Contains("SSL", lists.List.State.Error, StringComparison.Ordinal);
        Assert.Empty(_server.Requests);
    }

    [Fact]
    public async Task CertificateForAnotherHost_IsRefused()
    {
        await using var lists = Fixture(("ads:AuthoritiesFile", Authorities), ("ads:Source", $"https://localhost:{_server.Address.Port}/list"));

        await lists.StartAsync();

        Assert.Null(lists.List.State.Content);
        Assert.Empty(_server.Requests);
    }

    [Theory]
    [InlineData("https://lists.example/ads", "/nowhere/ca.pem", "cannot be read")]
    [InlineData("http://lists.example/ads", "/nowhere/ca.pem", "https source only")]
    public void AuthoritiesThatAreOfNoUse_AreAMistake(string source, string file, string expected)
    {
        var errors = new ConfigurationErrors();
        var options = new ListsOptions { ["ads"] = new ListOptions { Source = source, Format = ListFormat.Domains, AuthoritiesFile = file } };

        new ListsOptionsValidator().Validate(options, ListsOptions.SectionPath, errors);

        var error = Assert.Single(errors.All);
        Assert.Equal("Gateway:Filtering:Lists:ads:AuthoritiesFile", error.Path);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    private ListsFixture Fixture(params (string Key, string? Value)[] more)
        => new(_directory, [("ads:Source", new Uri(_server.Address, "/list").ToString()), ("ads:Format", "Domains"), .. more]);

    private X509Certificate2 Issue()
    {
        using var caKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var caRequest = new CertificateRequest("CN=Operator CA", caKey, HashAlgorithmName.SHA256);
        caRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        var from = DateTimeOffset.UnixEpoch.AddYears(40);
        var until = DateTimeOffset.UnixEpoch.AddYears(120);
        using var ca = caRequest.CreateSelfSigned(from, until);
        File.WriteAllText(Authorities, ca.ExportCertificatePem());

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=lists", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using var leaf = request.Create(ca, from, until, [1, 2, 3, 4]);
        return leaf.CopyWithPrivateKey(key);
    }
}
