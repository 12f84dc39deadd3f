using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using PyProxy.Gateway.Listeners;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Listeners;

/// <summary>A real Kestrel on a free port with adapters on its connections and one handler for all requests.</summary>
internal sealed class AdapterServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private AdapterServer(WebApplication app) => _app = app;

    public IPEndPoint EndPoint { get; private set; } = new(IPAddress.Loopback, 0);

    public static async Task<AdapterServer> StartAsync(
        Action<ListenOptions> listen,
        RequestDelegate handler,
        Dictionary<string, string?>? settings = null,
        Action<KestrelServerOptions>? server = null)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Configuration.AddInMemoryCollection(settings ?? []);
        builder.Services.AddListenerAdapters();
        builder.Services.AddSingleton<ICredentialVerifier, AliceVerifier>();
        builder.Logging.SetMinimumLevel(LogLevel.None);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(options =>
        {
            server?.Invoke(options);
            options.Listen(IPAddress.Loopback, 0, listen);
        });
        var app = builder.Build();
        app.UseListenerAdapters();
        app.Run(handler);
        await app.StartAsync(TestContext.Current.CancellationToken);
        var address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        return new AdapterServer(app) { EndPoint = new IPEndPoint(IPAddress.Loopback, new Uri(address).Port) };
    }

    public async Task<RawClient> ConnectAsync()
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(EndPoint, TestContext.Current.CancellationToken);
        return new RawClient(socket);
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();
}

/// <summary>A client that sends and receives bytes.</summary>
internal sealed class RawClient(Socket socket) : IDisposable
{
    private readonly NetworkStream _stream = new(socket, ownsSocket: true);

    public async Task SendAsync(string text) => await SendAsync(Encoding.Latin1.GetBytes(text));

    public async Task SendAsync(byte[] bytes) => await _stream.WriteAsync(bytes, TestContext.Current.CancellationToken);

    public void EndSending() => socket.Shutdown(SocketShutdown.Send);

    public async Task<byte[]> ReceiveAsync(int count)
    {
        var buffer = new byte[count];
        await _stream.ReadExactlyAsync(buffer, TestContext.Current.CancellationToken).AsTask().WaitAsync(PipeConnection.Patience);
        return buffer;
    }

    public async Task<string> ReceiveToEndAsync()
    {
        using var memory = new MemoryStream();
        await _stream.CopyToAsync(memory, TestContext.Current.CancellationToken).WaitAsync(PipeConnection.Patience);
        return Encoding.Latin1.GetString(memory.ToArray());
    }

    /// <summary>Reads one response with a Content-Length; gives "status body".</summary>
    public async Task<string> ReceiveResponseAsync()
    {
        var head = new StringBuilder();
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            head.Append((char)(await ReceiveAsync(1))[0]);
        }

        var text = head.ToString();
        var status = text.Split(' ')[1];
        var field = text.Split("\r\n").FirstOrDefault(line => line.StartsWith("Content-Length: ", StringComparison.OrdinalIgnoreCase));
        var length = field is null ? 0 : int.Parse(field["Content-Length: ".Length..], System.Globalization.CultureInfo.InvariantCulture);
        return $"{status} {Encoding.Latin1.GetString(await ReceiveAsync(length))}";
    }

    public void Dispose() => _stream.Dispose();
}
