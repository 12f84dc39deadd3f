using System.Globalization;

namespace PyProxy.Gateway.Tests.Functional;

/// <summary>The protocols that <c>curl</c> speaks, through the whole gateway; what it asks of proxies is in <see cref="EveryWayInTests"/>.</summary>
public sealed class CurlModesTests : IAsyncLifetime
{
    private static readonly byte[] Large = new byte[3 * 1024 * 1024];

    private OriginServer _origin = null!;
    private GatewayServer _gateway = null!;

    public async ValueTask InitializeAsync()
    {
        _origin = await OriginServer.StartAsync(endpoints: static app => app.MapGet("/large", SendAsync));
        _gateway = await GatewayServer.StartAsync(configuration: directory => GatewayServer.Configuration(
            directory,
            _origin.Address,
            """ "Listeners": { "TrustedProxies": [ "127.0.0.1" ] } """,
            $$"""
            "ReverseH2c": { "Url": "http://127.0.0.1:0", "Protocols": "Http2" },
            "ReverseProxied": { "Url": "http://127.0.0.1:0", "ProxyProtocol": "Required" },
            "Secure": { "Url": "https://127.0.0.1:0", "Certificate": { "Path": "{{directory}}/server.pem", "KeyPath": "{{directory}}/server.key" } },
            """));
    }

    public async ValueTask DisposeAsync()
    {
        await _gateway.DisposeAsync();
        await _origin.DisposeAsync();
    }

    [Theory]
    [InlineData("Web", "--http1.0", "1.1")] // the answer's version is the server's own (RFC 9110 §2.5)
    [InlineData("Web", "--http1.1", "1.1")]
    [InlineData("ReverseH2c", "--http2-prior-knowledge", "2")]
    [InlineData("Secure", "--http1.1", "1.1")]
    [InlineData("Secure", "--http2", "2")]
    [InlineData("ReverseProxied", "--haproxy-protocol", "1.1")]
    public async Task Reverse_SpeaksWhatCurlSpeaks(string endpoint, string mode, string version)
    {
        var (exit, output) = await Curl.RunAsync(
            mode, "--insecure", "-o", "/dev/null", "-w", "%{http_code} %{http_version} %{size_download}", new Uri(_gateway.Url(endpoint), "/large").ToString());

        Assert.Equal((0, string.Create(CultureInfo.InvariantCulture, $"200 {version} {Large.Length}")), (exit, output));
    }

    private static async Task SendAsync(HttpContext context) => await context.Response.Body.WriteAsync(Large, context.RequestAborted);
}
