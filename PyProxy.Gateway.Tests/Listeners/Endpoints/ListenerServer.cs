using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using PyProxy.Gateway.Listeners;
using PyProxy.Gateway.Listeners.Endpoints;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Listeners.Endpoints;

/// <summary>A real application whose endpoints come from configuration: /admin is mapped on Admin, /web without a role.</summary>
internal sealed class ListenerServer(WebApplication app) : IAsyncDisposable
{
    public ListenerRegistry Registry => app.Services.GetRequiredService<ListenerRegistry>();

    public IServiceProvider Services => app.Services;

    public static async Task<ListenerServer> StartAsync(params (string Key, string Value)[] settings)
    {
        var builder = TestHost.CreateBuilder();
        builder.Configuration.AddInMemoryCollection(settings.Select(s => KeyValuePair.Create(s.Key, (string?)s.Value)));
        builder.Services.AddSingleton<ICredentialVerifier, AliceVerifier>();
        builder.WebHost.UseListeners();
        builder.Services.AddListeners();
        var app = builder.Build();
        app.UseListenerAdapters();
        app.MapGet("/admin", () => "admin").WithMetadata(new ListenerRoleMetadata(ListenerRole.Admin));
        app.MapGet("/web", (HttpContext context) => $"{context.Request.Scheme} {context.Connection.RemoteIpAddress}");
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new ListenerServer(app);
    }

    public async Task<RawClient> ConnectAsync(string endpoint)
    {
        var socket = new System.Net.Sockets.Socket(System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, Registry.Find(endpoint).Port, TestContext.Current.CancellationToken);
        return new RawClient(socket);
    }

    public async Task<string> AskAsync(string endpoint, string path, string method = "GET")
    {
        using var client = await ConnectAsync(endpoint);
        await client.SendAsync($"{method} {path} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n");
        return (await client.ReceiveToEndAsync()).Split(' ')[1];
    }

    public static X509Certificate2 Certificate(string name, bool authority = false)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(authority, false, 0, true));
        var now = TimeProvider.System.GetUtcNow();
        return request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
    }

    public async Task<string> AskTlsAsync(string endpoint, string path, Version version, X509Certificate2? clientCertificate = null)
    {
#pragma warning disable RS0030 // a test's own client to loopback
        using var handler = new SocketsHttpHandler();
#pragma warning restore RS0030
        handler.SslOptions = new SslClientAuthenticationOptions
        {
            RemoteCertificateValidationCallback = (_, _, _, _) => true,
            ClientCertificates = clientCertificate is null ? null : [clientCertificate],
            LocalCertificateSelectionCallback = clientCertificate is null ? null : (_, _, _, _, _) => clientCertificate,
        };
        using var client = new HttpClient(handler);
        using var request = new HttpRequestMessage(HttpMethod.Get, $"https://127.0.0.1:{Registry.Find(endpoint).Port}{path}")
        {
            Version = version,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        using var response = await client.SendAsync(request, TestContext.Current.CancellationToken).WaitAsync(PipeConnection.Patience);
        return $"{(int)response.StatusCode} {await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)}";
    }

    public async ValueTask DisposeAsync() => await app.DisposeAsync();
}
