using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging.Testing;
using PyProxy.Gateway.Http;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Http;

/// <summary>A real Kestrel on port 0 with stage 1 in two lines and whatever stages a test is about.</summary>
internal sealed class MiniGateway : IAsyncDisposable
{
    private readonly WebApplication _app;

    private MiniGateway(WebApplication app, Uri address)
    {
        _app = app;
        Address = address;
        Client = new HttpClient(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false }) { BaseAddress = address };
    }

    public Uri Address { get; }

    public HttpClient Client { get; }

    public IServiceProvider Services => _app.Services;

    public FakeLogCollector Logs => _app.Services.GetFakeLogCollector();

    /// <summary>The exchange of the last request that came in.</summary>
    public Exchange? LastExchange { get; private set; }

    public static async Task<MiniGateway> StartAsync(
        Action<WebApplication> stages,
        Action<WebApplicationBuilder>? services = null,
        ListenerRole role = ListenerRole.Reverse,
        Action<ConnectionContext>? onConnection = null,
        Func<HttpContext, Exchange, Task>? onExchange = null)
    {
        var builder = TestHost.CreateBuilder();
        builder.Logging.AddFakeLogging();
        builder.Services.AddSingleton(new GatewayIdentity("gateway-test"));
        builder.Services.AddProxyErrors();
        services?.Invoke(builder);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Use(nextConnection => connection =>
        {
            connection.Features.Set<IListenerFeature>(new Listener(role));
            onConnection?.Invoke(connection);
            return nextConnection(connection);
        })));

        var app = builder.Build();
        MiniGateway? self = null;
        app.Use(async (context, next) =>
        {
            var exchange = new Exchange { Id = "d-1", Role = role, ClientAddress = context.Connection.RemoteIpAddress };
            context.Features.Set(exchange);
            self!.LastExchange = exchange;
            if (onExchange is not null)
            {
                await onExchange(context, exchange);
            }

            await next(context);
        });
        stages(app);
        var server = app.Services.GetRequiredService<Microsoft.AspNetCore.Hosting.Server.IServer>();
        await app.StartAsync(TestContext.Current.CancellationToken);
        var address = server.Features.Get<Microsoft.AspNetCore.Hosting.Server.Features.IServerAddressesFeature>()!.Addresses.First();
        self = new MiniGateway(app, new Uri(address));
        return self;
    }

    /// <summary>Sends bytes as they are and reads until the server closes.</summary>
    public async Task<string> ExchangeRawAsync(string request)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(Address.Host, Address.Port, TestContext.Current.CancellationToken);
        await socket.SendAsync(Encoding.Latin1.GetBytes(request), TestContext.Current.CancellationToken);
        var received = new StringBuilder();
        var buffer = new byte[4096];
        while (true)
        {
            var count = await socket.ReceiveAsync(buffer, TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(30));
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

    private sealed record Listener(ListenerRole Role) : IListenerFeature
    {
        public string Name => "test";

        public bool AllowAnonymous => false;
    }
}
