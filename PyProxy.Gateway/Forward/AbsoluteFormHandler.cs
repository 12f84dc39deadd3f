using System.Net;
using Microsoft.Extensions.Options;
using PyProxy.Gateway.Egress;
using PyProxy.Gateway.Http;
using PyProxy.Gateway.Traffic;
using Yarp.ReverseProxy.Forwarder;

namespace PyProxy.Gateway.Forward;

/// <summary>Forwards every request that is no tunnel. What goes wrong is left in YARP's error feature and answered by <c>UseProxyErrors</c>.</summary>
internal sealed class AbsoluteFormHandler : IDisposable
{
    private readonly IHttpForwarder _forwarder;
    private readonly ForwardTransformer _transformer;
    private readonly HttpMessageInvoker _invoker;
    private readonly IDisposable? _subscription;
    private volatile ForwarderRequestConfig _config;

    public AbsoluteFormHandler(
        IHttpForwarder forwarder, ForwardTransformer transformer, EgressHandlers egress, Via via, IOptionsMonitor<ForwardOptions> options)
    {
        _forwarder = forwarder;
        _transformer = transformer;
        _invoker = new HttpMessageInvoker(new ResponseRulesHandler(new SharedInvokerHandler(egress.Forward), via));
        _config = CreateConfig(options.CurrentValue);
        _subscription = options.OnChange((changed, _) => _config = CreateConfig(changed));
    }

    public async Task HandleAsync(HttpContext context)
    {
        var exchange = Exchange.Of(context);
        var authority = exchange.Target!.Value.ToString(); // the middleware that chose this endpoint has set it
        exchange.Destination = authority;
        await _forwarder.SendAsync(context, $"{context.Request.Scheme}://{authority}", _invoker, _config, _transformer);
    }

    public void Dispose()
    {
        _subscription?.Dispose();
        _invoker.Dispose();
    }

    private static ForwarderRequestConfig CreateConfig(ForwardOptions options) => new()
    {
        ActivityTimeout = options.ActivityTimeout,
        Version = HttpVersion.Version11,
        VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
    };

    /// <summary>Lets handlers stand around an invoker that is somebody else's: disposing them does not dispose it.</summary>
    private sealed class SharedInvokerHandler(HttpMessageInvoker invoker) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
            => invoker.SendAsync(request, cancellationToken);
    }
}
