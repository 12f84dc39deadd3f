using PyProxy.Gateway.Listeners.Endpoints;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Tests.Listeners.Endpoints;

public sealed class ListenerEndpointsSectionTests
{
    [Theory]
    [InlineData("Kestrel:Endpoints:A:ClientCertificateAuthorities:0", "cannot be read", "Reverse", "https", "ClientCertificateAuthorities:0=/nowhere/ca.pem", "ClientCertificateMode=RequireCertificate")]
    [InlineData("Kestrel:Endpoints:A:ClientCertificateAuthorities", "is not https", "Reverse", "http", "ClientCertificateAuthorities:0=x", "ClientCertificateMode=AllowCertificate")]
    [InlineData("Kestrel:Endpoints:A:ClientCertificateAuthorities", "no effect", "Reverse", "https", "ClientCertificateAuthorities:0=x")]
    [InlineData("Kestrel:Endpoints:A:Protocols", "speaks SOCKS5", "Socks", "http", "Protocols=Http2")]
    public async Task Mistake_IsReported(string path, string message, string role, string scheme, params string[] more)
    {
        var errors = await ErrorsAsync([$"Url={scheme}://127.0.0.1:1", $"Role={role}", .. more]);

        Assert.Contains(errors.All, e => e.Path == path && e.Message.Contains(message, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Http3_IsRefusedWhereThereIsNoQuic()
    {
        var errors = await ErrorsAsync("Url=https://127.0.0.1:1", "Protocols=Http1AndHttp2AndHttp3");

        Assert.Equal(!ListenerEndpointsSection.IsQuicSupported, errors.All.Any(e => e.Path == "Kestrel:Endpoints:A:Protocols"));
    }

    private static async Task<ConfigurationErrors> ErrorsAsync(params string[] settings)
    {
        var candidate = new ConfigurationBuilder().AddInMemoryCollection(settings
            .Select(s => s.Split('=', 2))
            .Select(s => KeyValuePair.Create("Kestrel:Endpoints:A:" + s[0], (string?)s[1]))).Build();
        var errors = new ConfigurationErrors();
        await new ListenerEndpointsSection().ValidateAsync(candidate, errors);
        return errors;
    }
}
