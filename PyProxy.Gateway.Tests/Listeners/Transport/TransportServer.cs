using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using PyProxy.Gateway.Listeners;
using PyProxy.Gateway.Listeners.Transport;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Listeners.Transport;

/// <summary>A real Kestrel on the gateway's transport, with an endpoint in the clear and one with TLS.</summary>
internal sealed class TransportServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly X509Certificate2 _certificate;
    private Uri[] _addresses = [];

    private TransportServer(RequestDelegate handler)
    {
        _certificate = CreateCertificate();
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddListenerAdapters();
        builder.Services.AddSingleton<ICredentialVerifier, AliceVerifier>();
        builder.Services.AddRouting();
        builder.Logging.SetMinimumLevel(LogLevel.None);
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(options =>
        {
            options.Limits.MaxRequestBodySize = null;
            options.Listen(IPAddress.Loopback, 0, listen => Configure(listen, tls: false));
            options.Listen(IPAddress.Loopback, 0, listen => Configure(listen, tls: true));
        });
        builder.Services.AddGatewayTransport();
        _app = builder.Build();
        _app.UseListenerAdapters();
        _app.Run(handler);
    }

    public static async Task<TransportServer> StartAsync(RequestDelegate handler)
    {
        var server = new TransportServer(handler);
        await server._app.StartAsync(TestContext.Current.CancellationToken);
        var addresses = server._app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
        server._addresses = [.. addresses.Select(address => new Uri(address))];
        return server;
    }

    public Uri Address(bool tls) => _addresses.Single(address => address.Scheme == (tls ? "https" : "http"));

    public async Task<TransportClient> ConnectAsync(bool tls)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, Address(tls).Port), TestContext.Current.CancellationToken);
        return await TransportClient.OpenAsync(socket, tls);
    }

    public Task StopAsync() => _app.StopAsync(TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _certificate.Dispose();
    }

    private void Configure(ListenOptions listen, bool tls)
    {
        listen.Protocols = HttpProtocols.Http1;
        if (tls)
        {
            listen.UseHttps(_certificate);
        }

        listen.UseFullTlsRecords().UseTunnels().UseConnectHeadNormalization();
    }

    private static X509Certificate2 CreateCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        return request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(150));
    }
}

internal sealed class TransportClient : IAsyncDisposable
{
    private readonly Socket _socket;
    private readonly SslStream? _tls;

    private TransportClient(Socket socket, Stream stream, SslStream? tls)
    {
        _socket = socket;
        _tls = tls;
        Stream = stream;
    }

    public Stream Stream { get; }

    public static async Task<TransportClient> OpenAsync(Socket socket, bool tls)
    {
        var network = new NetworkStream(socket, ownsSocket: true);
        if (!tls)
        {
            return new TransportClient(socket, network, tls: null);
        }

        var ssl = new SslStream(network);
        await ssl.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions { TargetHost = "localhost", RemoteCertificateValidationCallback = (_, _, _, _) => true },
            TestContext.Current.CancellationToken);
        return new TransportClient(socket, ssl, ssl);
    }

    public async Task SendAsync(string text)
        => await Stream.WriteAsync(Encoding.Latin1.GetBytes(text), TestContext.Current.CancellationToken);

    public async Task EndSendingAsync()
    {
        if (_tls is not null)
        {
            await _tls.ShutdownAsync();
        }
        else
        {
            _socket.Shutdown(SocketShutdown.Send);
        }
    }

    public void Reset() => _socket.Close(timeout: 0);

    public async Task<string> ReceiveAsync(int count)
    {
        var buffer = new byte[count];
        await Stream.ReadExactlyAsync(buffer, TestContext.Current.CancellationToken).AsTask().WaitAsync(PipeConnection.Patience);
        return Encoding.Latin1.GetString(buffer);
    }

    public async Task<string> ReceiveHeadAsync()
    {
        var head = "";
        while (!head.EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            head += await ReceiveAsync(1);
        }

        return head;
    }

    public async Task<long> ReceiveToEndAsync(int bufferSize = 64 * 1024)
    {
        var buffer = new byte[bufferSize];
        var total = 0L;
        while (true)
        {
            var count = await Stream.ReadAsync(buffer, TestContext.Current.CancellationToken).AsTask().WaitAsync(PipeConnection.Patience);
            if (count == 0)
            {
                return total;
            }

            total += count;
        }
    }

    public async ValueTask DisposeAsync() => await Stream.DisposeAsync();
}
