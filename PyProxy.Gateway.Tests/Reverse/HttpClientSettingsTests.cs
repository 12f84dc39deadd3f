using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Reverse;

/// <summary>A cluster's <c>HttpClient</c> settings stay YARP's, although the gateway makes the connections.</summary>
public sealed class HttpClientSettingsTests
{
    [Fact]
    public async Task CertificateThatNobodyTrusts_IsABadGateway()
    {
        using var certificate = SelfSigned();
        await using var origin = await OriginServer.StartAsync(certificate: certificate);
        await using var gateway = await ReverseGateway.StartAsync(origin.Address);

        using var response = await gateway.GetAsync("/");

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Equal("tls_certificate_error", gateway.LastExchange!.Error?.Token);
        Assert.Empty(origin.Requests);
    }

    [Fact]
    public async Task CertificateThatTheClusterAccepts_GivesHttp2OverTls()
    {
        using var certificate = SelfSigned();
        await using var origin = await OriginServer.StartAsync(certificate: certificate, protocols: HttpProtocols.Http1AndHttp2);
        await using var gateway = await ReverseGateway.StartAsync(
            origin.Address, ("Clusters:one:HttpClient:DangerousAcceptAnyServerCertificate", "true"));

        Assert.Equal("origin", await gateway.GetStringAsync("/"));
        Assert.Equal("HTTP/2", origin.LastRequest.Protocol);
    }

    [Fact]
    public async Task MaxConnectionsPerServer_MakesFurtherRequestsWait()
    {
        var arrived = new TaskCompletionSource();
        var release = new TaskCompletionSource();
        var atOnce = 0;
        var most = 0;
        await using var origin = await OriginServer.StartAsync(endpoints: app => app.MapGet("/slow", async context =>
        {
            most = Math.Max(most, Interlocked.Increment(ref atOnce));
            arrived.TrySetResult();
            await release.Task;
            Interlocked.Decrement(ref atOnce);
        }));
        await using var gateway = await ReverseGateway.StartAsync(
            origin.Address,
            ("Clusters:one:HttpClient:MaxConnectionsPerServer", "1"),
            ("Clusters:one:HttpRequest:Version", "1.1"),
            ("Clusters:one:HttpRequest:VersionPolicy", "RequestVersionExact"));

        Task<string>[] requests = [.. Enumerable.Range(0, 3).Select(_ => gateway.GetStringAsync("/slow"))];
        await arrived.Task.WaitAsync(ReverseGateway.Patience, TestContext.Current.CancellationToken);
        release.SetResult();
        await Task.WhenAll(requests);

        Assert.Equal(1, most);
        Assert.Equal(3, origin.Requests.Count);
    }

    private static X509Certificate2 SelfSigned()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
    }
}
