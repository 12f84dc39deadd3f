using System.Diagnostics;
using System.Net;
using System.Text;
using PyProxy.Gateway.Egress.Profiles;
using PyProxy.Gateway.Egress.Upstreams;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Egress;

/// <summary>The one place where HTTP handlers for traffic are made: each opens its connections through <see cref="Dialer"/>.</summary>
internal sealed class EgressHandlers : IDisposable
{
    private const int MaxResponseHeadersKilobytes = 128;

    private readonly Dialer _dialer;
    private readonly UpstreamDialer _upstreams;
    private readonly UpstreamFailover _failover;
    private readonly EgressRuntime _runtime;
    private readonly EgressChooser _chooser;
    private readonly ILogger _logger;

    public EgressHandlers(
        Dialer dialer, UpstreamDialer upstreams, UpstreamFailover failover, EgressRuntime runtime, EgressChooser chooser, ILogger<EgressHandlers> logger)
    {
        _dialer = dialer;
        _upstreams = upstreams;
        _failover = failover;
        _runtime = runtime;
        _chooser = chooser;
        _logger = logger;
        Forward = new HttpMessageInvoker(CreateSender(DialPurpose.Forward, () => runtime.Current.Direct.Plain, static _ => { }));
    }

    /// <summary>
    /// Sends forward requests, each the way that its <see cref="EgressChoice"/> says. To be used for all of them and for as long as the process
    /// runs: when a reload changes the address policy or a profile, requests from then on use new connections.
    /// </summary>
    public HttpMessageInvoker Forward { get; }

    /// <summary>For <see cref="SocketsHttpHandler.ConnectCallback"/> of handlers that others make.</summary>
    public Func<SocketsHttpConnectionContext, CancellationToken, ValueTask<Stream>> ConnectCallback(DialPurpose purpose)
        => async (context, cancellationToken) =>
        {
            Follow(context);
            return (await _dialer.ConnectAsync(TargetOf(context), purpose, cancellationToken)).Stream;
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

    /// <summary>Sends to a cluster by the profile that the cluster names; what is the cluster's own (TLS, HTTP versions, limits) is set by it.</summary>
    public HttpMessageHandler CreateHandler(string profile, Action<SocketsHttpHandler> configure)
        => CreateSender(DialPurpose.Configured, () => _chooser.ChooseNamed(profile, exchange: null), configure);

    /// <summary>Makes a handler of somebody else's open its connections through the dialer, and not keep them for ever.</summary>
    public void Bind(SocketsHttpHandler handler, DialPurpose purpose)
    {
        var pool = _runtime.Current.Pool;
        handler.ConnectCallback = ConnectCallback(purpose);

        // Never before the dialer's own timeout, which knows what went wrong; the rest is for the TLS handshake. A request that gives up does
        // not end the attempt made for it, so without this a silent server could collect attempts.
        handler.ConnectTimeout = pool.ConnectTimeout + pool.TlsTimeout;

        handler.SslOptions.CertificateChainPolicy ??= ServerTrust.Policy();

        // Fields go out and come in as the bytes that they are, as on the client's side (RequestRulesExtensions): what they mean is not a proxy's
        // business. A cluster's own encodings would change bytes, where they cannot but fail otherwise.
        handler.RequestHeaderEncodingSelector = static (_, _) => Encoding.Latin1;
        handler.ResponseHeaderEncodingSelector = static (_, _) => Encoding.Latin1;
        handler.PooledConnectionLifetime = pool.ConnectionLifetime;
        handler.PooledConnectionIdleTimeout = pool.ConnectionIdleTimeout;
    }

    public void Dispose() => Forward.Dispose();

    private EgressSender CreateSender(DialPurpose purpose, Func<EgressChoice> fallback, Action<SocketsHttpHandler> configure)
    {
        var pools = new EgressPools(key => new PolicyBoundHandler(() => CreateHandler(key, purpose, configure), _runtime, _logger), _runtime);
        return new EgressSender(pools, fallback, purpose, _upstreams, _failover);
    }

    private SocketsHttpHandler CreateHandler(ConnectionPoolKey key, DialPurpose purpose, Action<SocketsHttpHandler> configure)
    {
        var handler = CreateHandler(purpose);
        configure(handler);
        Bind(handler, purpose);
        handler.ConnectCallback = key.Upstream is null ? Directly(key, purpose) : ThroughUpstream(key, key.Upstream, purpose);
        if (key.Upstream is { } upstream)
        {
            // The proxy's own time comes before that of the destination behind it.
            handler.ConnectTimeout += key.Profile.Upstreams!.Options.ConnectTimeout;
            if (key.IsParent)
            {
                handler.UseProxy = true;
                handler.Proxy = new Parent(upstream);
            }
        }

        return handler;
    }

    private Func<SocketsHttpConnectionContext, CancellationToken, ValueTask<Stream>> Directly(ConnectionPoolKey key, DialPurpose purpose)
        => async (context, cancellationToken) =>
        {
            Follow(context);
            var request = new DialRequest(TargetOf(context), purpose) { Profile = key.Profile, Source = key.Source, Condition = key.Condition };
            return (await _dialer.ConnectAsync(request, cancellationToken)).Stream;
        };

    private Func<SocketsHttpConnectionContext, CancellationToken, ValueTask<Stream>> ThroughUpstream(
        ConnectionPoolKey key, UpstreamProxy upstream, DialPurpose purpose)
    {
        var pool = key.Profile.Upstreams!;
        var choice = new EgressChoice(key.Profile, key.Source, key.Condition);
        return async (context, cancellationToken) =>
        {
            Follow(context);
            var connection = key.IsParent
                ? await _upstreams.ConnectAsync(pool, upstream, choice, cancellationToken)
                : await _upstreams.ConnectAsync(pool, upstream, TargetOf(context), choice, purpose, via: null, cancellationToken);
            return connection.Stream;
        };
    }

    /// <summary>A connection belongs to the trace of the first that needs it. Holds for as long as the calling method runs, which has to be asynchronous.</summary>
    private static void Follow(SocketsHttpConnectionContext context)
    {
        if (context.InitialRequestMessage.Options.TryGetValue(GatewayTracing.Try, out var trying))
        {
            Activity.Current = trying;
        }
    }

    private static HostPort TargetOf(SocketsHttpConnectionContext context)
    {
        var endPoint = context.DnsEndPoint;
        return HostPort.TryCanonicalizeHost(endPoint.Host.AsSpan().Trim("[]"), out var host)
            ? new HostPort(host, endPoint.Port)
            : throw new ProxyException(ProxyErrors.BadRequest($"\"{endPoint.Host}\" is neither a name nor an address."));
    }

    /// <summary>
    /// Has HttpClient write requests in absolute form. That is all it needs the proxy for: connections are opened by the callback, and credentials
    /// are ours to give, before anybody asks for them.
    /// </summary>
    private sealed class Parent(UpstreamProxy upstream) : IWebProxy
    {
        private readonly Uri _uri = new($"http://{upstream.Address}");

        public ICredentials? Credentials { get; set; }

        public Uri GetProxy(Uri destination) => _uri;

        public bool IsBypassed(Uri host) => false;
    }
}
