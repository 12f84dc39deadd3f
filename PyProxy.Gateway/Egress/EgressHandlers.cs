using System.Diagnostics;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Egress;

/// <summary>The one place where HTTP handlers for traffic are made: each opens its connections through <see cref="Dialer"/>.</summary>
internal sealed class EgressHandlers : IDisposable
{
    private const int MaxResponseHeadersKilobytes = 128;

    private static readonly TimeSpan TlsHandshakeTimeout = TimeSpan.FromSeconds(10); // Kestrel's own for the other side

    private readonly Dialer _dialer;
    private readonly EgressRuntime _runtime;
    private readonly Func<SocketsHttpConnectionContext, CancellationToken, ValueTask<Stream>> _forwardCallback;
    private readonly Func<SocketsHttpConnectionContext, CancellationToken, ValueTask<Stream>> _configuredCallback;

    public EgressHandlers(Dialer dialer, EgressRuntime runtime, ILogger<EgressHandlers> logger)
    {
        _dialer = dialer;
        _runtime = runtime;
        _forwardCallback = Callback(dialer, DialPurpose.Forward);
        _configuredCallback = Callback(dialer, DialPurpose.Configured);
        Forward = new HttpMessageInvoker(new ConditionalPools(
            () => new PolicyBoundHandler(() => CreateHandler(DialPurpose.Forward), runtime, logger)));
    }

    /// <summary>
    /// Sends forward requests. To be used for all of them and for as long as the process runs: when a reload changes the address policy or
    /// the source address, requests from then on use new connections.
    /// </summary>
    public HttpMessageInvoker Forward { get; }

    /// <summary>For <see cref="SocketsHttpHandler.ConnectCallback"/> of handlers that others make (YARP's client factory).</summary>
    public Func<SocketsHttpConnectionContext, CancellationToken, ValueTask<Stream>> ConnectCallback(DialPurpose purpose)
        => purpose switch
        {
            DialPurpose.Forward => _forwardCallback,
            DialPurpose.Configured => _configuredCallback,
            _ => Callback(_dialer, purpose),
        };

    /// <summary>
    /// A handler for one purpose, fit for a proxy: it changes nothing about messages (no redirects, cookies, decompression, tracing headers) and
    /// follows no proxy of the environment. Whoever asks for it owns it, and with it the connections made under the policy of their time;
    /// forward requests go through <see cref="Forward"/> instead.
    /// </summary>
    public SocketsHttpHandler CreateHandler(DialPurpose purpose)
    {
#pragma warning disable RS0030 // Handlers are made here and nowhere else.
        var handler = new SocketsHttpHandler
#pragma warning restore RS0030
        {
            UseProxy = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            UseCookies = false,

            // The propagated header cost 7 % of a request's CPU, and a forward proxy has no business adding it to others' requests.
            ActivityHeadersPropagator = null,
            EnableMultipleHttp2Connections = true,
            MaxResponseHeadersLength = MaxResponseHeadersKilobytes,
            Expect100ContinueTimeout = TimeSpan.FromSeconds(1),

            // What a client did not want to read to its end: a little is drained to keep the connection, more is not worth it.
            MaxResponseDrainSize = 64 * 1024,
            ResponseDrainTimeout = TimeSpan.FromSeconds(2),

            // A dead HTTP/2 connection would otherwise be found only by TCP's own timeouts, minutes later, and take many requests with it.
            KeepAlivePingDelay = TimeSpan.FromSeconds(30),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(10),
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
        };
        Bind(handler, purpose);
        return handler;
    }

    /// <summary>Makes a handler of somebody else's open its connections through the dialer, and not keep them for ever.</summary>
    public void Bind(SocketsHttpHandler handler, DialPurpose purpose)
    {
        var pool = _runtime.Current.Pool;
        handler.ConnectCallback = ConnectCallback(purpose);

        // Never before the dialer's own timeout, which knows what went wrong; the rest is for the TLS handshake. A request that gives up does
        // not end the attempt made for it, so without this a silent server could collect attempts.
        handler.ConnectTimeout = pool.ConnectTimeout + TlsHandshakeTimeout;

        // A certificate names URLs where its issuer is to be had, and .NET would fetch from there while it verifies: connections to wherever the
        // destination likes, past the dialer. Servers have to send their intermediates, as every other proxy expects. (Revocation stays
        // unchecked, as it is by default.)
        handler.SslOptions.CertificateChainPolicy ??= new X509ChainPolicy
        {
            DisableCertificateDownloads = true,
            RevocationMode = X509RevocationMode.NoCheck,
        };
        handler.PooledConnectionLifetime = pool.ConnectionLifetime;
        handler.PooledConnectionIdleTimeout = pool.ConnectionIdleTimeout;
    }

    public void Dispose() => Forward.Dispose();

    private static Func<SocketsHttpConnectionContext, CancellationToken, ValueTask<Stream>> Callback(Dialer dialer, DialPurpose purpose)
        => async (context, cancellationToken) =>
        {
            var endPoint = context.DnsEndPoint;
            if (!HostPort.TryCanonicalizeHost(endPoint.Host.AsSpan().Trim("[]"), out var host))
            {
                throw new ProxyException(ProxyErrors.BadRequest($"\"{endPoint.Host}\" is neither a name nor an address."));
            }

            if (context.InitialRequestMessage.Options.TryGetValue(GatewayTracing.Try, out var trying))
            {
                Activity.Current = trying; // of the first that needs the connection; only for as long as this method runs
            }

            // Every request of this pool has an equal one.
            context.InitialRequestMessage.Options.TryGetValue(ConditionalPools.Condition, out var condition);
            var connection = await dialer.ConnectAsync(new HostPort(host, endPoint.Port), purpose, cancellationToken, condition);
            return connection.Stream;
        };
}
