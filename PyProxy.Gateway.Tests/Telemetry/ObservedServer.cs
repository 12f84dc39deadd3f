using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging.Testing;
using PyProxy.Gateway.Admin;
using PyProxy.Gateway.Telemetry;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Telemetry;

/// <summary>A real Kestrel on port 0 with the pipeline's first stage, the admin endpoints, and a handler; its access log goes to a file.</summary>
internal sealed class ObservedServer : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(2);
    private readonly TemporaryDirectory _directory;

    private ObservedServer(WebApplication app, TemporaryDirectory directory, string logPath)
    {
        App = app;
        _directory = directory;
        LogPath = logPath;
    }

    public WebApplication App { get; }

    public string LogPath { get; }

    public Uri Address { get; private set; } = null!;

    public HttpClient Client { get; private set; } = null!;

    public FakeLogCollector Logs => App.Services.GetFakeLogCollector();

    public static async Task<ObservedServer> StartAsync(
        RequestDelegate handler,
        ListenerRole? role = null,
        HttpProtocols protocols = HttpProtocols.Http1,
        Dictionary<string, string?>? configuration = null,
        Action<IServiceCollection>? services = null)
    {
        var directory = new TemporaryDirectory("telemetry");
        var logPath = Path.Combine(directory.Path, "logs", "access.json");
        var builder = TestHost.CreateBuilder();
        builder.Configuration.AddInMemoryCollection([new("Gateway:Telemetry:AccessLog:Path", logPath)]).AddInMemoryCollection(configuration ?? []);
        builder.Logging.AddFakeLogging();
        builder.Services.AddGatewayTelemetry().AddAdmin();
        builder.Services.AddOpenTelemetry().WithGatewayTelemetry(builder.Configuration);
        services?.Invoke(builder.Services);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.Protocols = protocols;
            if (protocols == HttpProtocols.Http2)
            {
                listen.UseHttps(SelfSigned());
            }

            listen.Use(next => connection =>
            {
                if (role is { } given)
                {
                    connection.Features.Set<IListenerFeature>(new Listener(given));
                }

                return next(connection);
            });
        }));
        var app = builder.Build();
        app.UseExchange();
        app.UseRouting();
        app.UseAuthentication(); // where it is not placed, the host places it first
        app.UseAuthorization();
        app.MapAdmin();
        app.MapFallback("/work/{**rest}", handler);
        app.Use(async (HttpContext context, RequestDelegate next) =>
        {
            if (context.GetEndpoint() is null)
            {
                await handler(context);
                return;
            }

            await next(context);
        });
        var self = new ObservedServer(app, directory, logPath);
        await app.StartAsync(TestContext.Current.CancellationToken);
        self.Address = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        self.Client = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false,
            SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = (_, _, _, _) => true },
        })
        {
            BaseAddress = self.Address,
            DefaultRequestVersion = protocols == HttpProtocols.Http2 ? HttpVersion.Version20 : HttpVersion.Version11,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Timeout = Patience,
        };
        return self;
    }

    /// <summary>Stops the server, which writes the log out, and reads its records.</summary>
    public async Task<IReadOnlyList<JsonElement>> StopAndReadLogAsync()
    {
        await App.StopAsync(TestContext.Current.CancellationToken).WaitAsync(Patience);
        if (!File.Exists(LogPath))
        {
            return [];
        }

        var lines = await File.ReadAllLinesAsync(LogPath, TestContext.Current.CancellationToken);
        return [.. lines.Select(line => JsonDocument.Parse(line).RootElement)];
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        using (var enough = new CancellationTokenSource(StopPatience))
        {
            await App.StopAsync(enough.Token); // a handler of a test's may hang
        }

        await App.DisposeAsync();
        _directory.Dispose();
    }

    private static X509Certificate2 SelfSigned()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        return request.CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(1));
    }

    private sealed record Listener(ListenerRole Role) : IListenerFeature
    {
        public string Name => "test";

        public bool AllowAnonymous => false;
    }
}
