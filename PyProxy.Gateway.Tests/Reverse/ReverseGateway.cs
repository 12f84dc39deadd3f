using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging.Testing;
using PyProxy.Gateway.Egress;
using PyProxy.Gateway.Filtering;
using PyProxy.Gateway.Http;
using PyProxy.Gateway.Privacy;
using PyProxy.Gateway.Resilience;
using PyProxy.Gateway.Reverse;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Reverse;

/// <summary>The stages of the reverse proxy in a real Kestrel: one listener for HTTP/1.1 and one for HTTP/2 without TLS.</summary>
internal sealed class ReverseGateway : IAsyncDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly WebApplication _app;
    private readonly Uri[] _addresses;

    private ReverseGateway(WebApplication app)
    {
        _app = app;
        _addresses = [.. app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses
            .Select(static address => new Uri(address))];
        Client = CreateClient();
    }

    public Uri Address => _addresses[0];

    public Uri Http2Address => _addresses[1];

    public HttpClient Client { get; }

    public IServiceProvider Services => _app.Services;

    public IReadOnlyList<FakeLogRecord> Logs => _app.Services.GetFakeLogCollector().GetSnapshot();

    /// <summary>The exchange of the last request that came in.</summary>
    public Exchange? LastExchange { get; private set; }

    /// <summary>
    /// A catch-all route to one destination, with further settings below <c>ReverseProxy</c>, or of <c>Gateway</c>; the last of a path counts.
    /// </summary>
    public static Task<ReverseGateway> StartAsync(Uri destination, params (string Path, string? Value)[] settings)
        => StartAsync(
            [
                ("Routes:all:ClusterId", "one"),
                ("Routes:all:Match:Path", "{**path}"),
                ("Clusters:one:Destinations:d:Address", destination.AbsoluteUri),
                .. settings,
            ]);

    public static async Task<ReverseGateway> StartAsync(
        (string Path, string? Value)[] settings,
        Action<IServiceCollection>? services = null,
        Action<WebApplication>? stages = null)
    {
        var builder = TestHost.CreateBuilder();
        builder.Configuration.AddInMemoryCollection(settings
            .Where(static setting => setting.Value is not null)
            .GroupBy(static setting => setting.Path, StringComparer.OrdinalIgnoreCase)
            .Select(static same => KeyValuePair.Create(
                same.Key.StartsWith("Gateway:", StringComparison.Ordinal) ? same.Key : $"ReverseProxy:{same.Key}", same.Last().Value)));
        builder.Logging.AddFakeLogging();
        builder.Services.AddSingleton(new GatewayIdentity("gateway-test"));
        builder.Services.AddMetrics().AddResilience().AddEgress().AddFiltering().AddPrivacy();
        builder.Services.AddReverse(builder.Configuration.GetSection("ReverseProxy"));
        services?.Invoke(builder.Services);
        builder.WebHost.ConfigureKestrel(static kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0, static listen => listen.Protocols = HttpProtocols.Http1);
            kestrel.Listen(IPAddress.Loopback, 0, static listen => listen.Protocols = HttpProtocols.Http2);
        });

        var app = builder.Build();
        ReverseGateway? self = null;
        app.Use((context, next) =>
        {
            var exchange = new Exchange { Id = "d-1", Role = ListenerRole.Reverse };
            context.Features.Set(exchange);
            self!.LastExchange = exchange;
            return next(context);
        });
        app.UseProxyErrors();
        app.UseRequestRules();
        app.UseRouting();
        stages?.Invoke(app);
        app.MapReverse();
        await app.StartAsync(TestContext.Current.CancellationToken);
        self = new ReverseGateway(app);
        return self;
    }

    public static HttpClient CreateClient() => new(CreateHandler()) { Timeout = Patience };

    public static SocketsHttpHandler CreateHandler()
        => new() { UseProxy = false, AllowAutoRedirect = false, UseCookies = false, EnableMultipleHttp2Connections = true };

    public async Task<string> GetStringAsync(string pathAndQuery, params (string Name, string Value)[] fields)
    {
        using var request = Request(pathAndQuery, fields);
        using var response = await Client.SendAsync(request, TestContext.Current.CancellationToken);
        return await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
    }

    public async Task<HttpResponseMessage> GetAsync(string pathAndQuery, params (string Name, string Value)[] fields)
    {
        using var request = Request(pathAndQuery, fields);
        return await Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
    }

    /// <summary>Sends bytes as they are and reads until the gateway closes.</summary>
    public async Task<string> ExchangeRawAsync(string request)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(Address.Host, Address.Port, TestContext.Current.CancellationToken);
        await socket.SendAsync(Encoding.Latin1.GetBytes(request), TestContext.Current.CancellationToken);
        var received = new StringBuilder();
        var buffer = new byte[4096];
        while (true)
        {
            int count;
            try
            {
                count = await socket.ReceiveAsync(buffer, TestContext.Current.CancellationToken).AsTask().WaitAsync(Patience);
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
            {
                return received.Append("<reset>").ToString();
            }

            if (count == 0)
            {
                return received.ToString();
            }

            received.Append(Encoding.Latin1.GetString(buffer, 0, count));
        }
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.DisposeAsync();
    }

    private HttpRequestMessage Request(string pathAndQuery, (string Name, string Value)[] fields)
    {
        var asWritten = new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true };
        var request = new HttpRequestMessage(HttpMethod.Get, new Uri(Address.GetLeftPart(UriPartial.Authority) + pathAndQuery, in asWritten));
        foreach (var (name, value) in fields)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return request;
    }
}
