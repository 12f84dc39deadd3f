using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.DependencyInjection.Extensions;
using PyProxy.Gateway.Configuration;
using PyProxy.Gateway.Limits.Overload.Machine;
using PyProxy.Gateway.Listeners.Endpoints;
using PyProxy.Gateway.Users.Passwords;

namespace PyProxy.Gateway.Tests.Functional;

/// <summary>The whole gateway as <c>Program</c> builds it, on a configuration file of its own and on free ports.</summary>
internal sealed class GatewayServer : IAsyncDisposable
{
    public const string Password = "wonderland";

    // Hashing is slow on purpose: 50 ms of a processor for the first login at each of hundreds of gateways. What verifies it is the same.
    public static readonly string PasswordHashText = Pbkdf2Hash.Create(Password, iterations: 1000).ToString();

    private static readonly (string Certificate, string Key) TlsFiles = CreateCertificate();

    private readonly TemporaryDirectory _directory;
    private readonly WebApplication _app;
    private bool _isDisposed;

    private GatewayServer(TemporaryDirectory directory, WebApplication app)
    {
        _directory = directory;
        _app = app;
    }

    public IServiceProvider Services => _app.Services;

    public string ConfigurationPath => Path.Combine(_directory.Path, "appsettings.json");

    public int Port(string endpoint) => _app.Services.GetRequiredService<ListenerRegistry>().Find(endpoint).Port;

    public Uri Url(string endpoint) => new($"{(endpoint == "Secure" ? "https" : "http")}://127.0.0.1:{Port(endpoint)}");

    /// <summary>The lines of the access log so far.</summary>
    public async Task<string> AccessLogAsync()
    {
        var path = Path.Combine(_directory.Path, "access.log");
        return File.Exists(path) ? await File.ReadAllTextAsync(path) : ""; // made with the first record that is written
    }

    /// <param name="origin">Where the catch-all route leads.</param>
    /// <param name="gateway">Members of the <c>Gateway</c> section beyond users, data directory and access log.</param>
    /// <param name="edit">Changes the text of the configuration, where members of <c>Gateway</c> are not enough.</param>
    /// <param name="extend">What a program adds to the gateway.</param>
    /// <param name="configuration">Makes a whole file of its own, for a directory.</param>
    public static async Task<GatewayServer> StartAsync(
        Uri? origin = null,
        string? gateway = null,
        Func<string, string>? edit = null,
        Action<IServiceCollection>? extend = null,
        Func<string, string>? configuration = null)
    {
        var directory = new TemporaryDirectory("functional");
        var path = Path.Combine(directory.Path, "appsettings.json");
        WriteCertificate(directory);
        var text = configuration?.Invoke(directory.Path)
            ?? Configuration(directory.Path, origin ?? new Uri("http://127.0.0.1:9"), gateway, SecureEndpoint(directory.Path));
        await File.WriteAllTextAsync(path, edit?.Invoke(text) ?? text);
        var loader = ConfigurationLoader.Create(new ConfigurationFile(path), ConfigurationOverrides.None, AddFeatures);
        var loaded = await loader.LoadAsync(TestContext.Current.CancellationToken);
        Assert.Empty(loaded.Problems);

        var app = Program.Build(new GatewayConfiguration(loader, loaded), Extend);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new GatewayServer(directory, app);

        void AddFeatures(IServiceCollection services, IConfiguration configuration)
        {
            Program.AddFeatures(services, configuration);
            Extend(services);
        }

        void Extend(IServiceCollection services)
        {
            GatewayLog.ReplaceConsole(services);
            services.Replace(ServiceDescriptor.Singleton<IMachine, SharedMachine>());
            extend?.Invoke(services);
        }
    }

    public Task StopAsync() => _app.StopAsync(TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        await _app.StopAsync();
        await _app.DisposeAsync();
        _directory.Dispose();
    }

    private static string SecureEndpoint(string directory) => $$"""
        "Secure": { "Url": "https://127.0.0.1:0", "Role": "Forward", "AllowAnonymous": true,
                    "Certificate": { "Path": "{{directory}}/server.pem", "KeyPath": "{{directory}}/server.key" } },
        """;

    /// <summary>The files that the TLS listener names.</summary>
    private static void WriteCertificate(TemporaryDirectory directory)
    {
        directory.Write("server.pem", TlsFiles.Certificate);
        directory.Write("server.key", TlsFiles.Key);
    }

    private static (string Certificate, string Key) CreateCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(150));
        return (certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    /// <summary>A whole configuration file with a listener of every role on a free port.</summary>
    public static string Configuration(string directory, Uri origin, string? gateway, string more = "") => $$"""
        {
          "Kestrel": { "Endpoints": {
            "Web":   { "Url": "http://127.0.0.1:0", "Role": "Reverse" },
            "Proxy": { "Url": "http://127.0.0.1:0", "Role": "Forward" },
            "Open":  { "Url": "http://127.0.0.1:0", "Role": "Forward", "AllowAnonymous": true },
            "H2c":   { "Url": "http://127.0.0.1:0", "Role": "Forward", "Protocols": "Http2" },
            {{more}}
            "Socks": { "Url": "http://127.0.0.1:0", "Role": "Socks" },
            "Admin": { "Url": "http://127.0.0.1:0", "Role": "Admin" } } },
          "ReverseProxy": {
            "Routes": { "all": { "ClusterId": "origin", "Match": { "Path": "{**rest}" } } },
            "Clusters": { "origin": { "Destinations": { "one": { "Address": "{{origin}}" } } } } },
          "Gateway": {
            {{(gateway is null ? "" : gateway + ",")}}
            "Users": { "Accounts": { "alice": { "PasswordHash": "{{PasswordHashText}}" } } },
            "DataDirectory": "{{directory}}",
            "Telemetry": { "AccessLog": { "Path": "{{directory}}/access.log" } } }
        }
        """;
}
