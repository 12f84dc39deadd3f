using System.Net;
using Microsoft.Extensions.Options;
using PyProxy.Gateway.Egress;
using PyProxy.Gateway.Http;
using PyProxy.Gateway.Resilience;
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
    private readonly RequestPipelines _pipelines;
    private readonly ResilienceMetrics _metrics;
    private volatile ForwarderRequestConfig _config;
    private volatile string? _pipeline;

    public AbsoluteFormHandler(
        IHttpForwarder forwarder,
        ForwardTransformer transformer,
        EgressHandlers egress,
        Via via,
        RequestPipelines pipelines,
        ResilienceMetrics metrics,
        IOptionsMonitor<ForwardOptions> options)
    {
        _forwarder = forwarder;
        _transformer = transformer;
        _invoker = new HttpMessageInvoker(new ResponseRulesHandler(new SharedInvokerHandler(egress.Forward), via));
        _pipelines = pipelines;
        _metrics = metrics;
        _config = CreateConfig(options.CurrentValue);
        _pipeline = options.CurrentValue.Resilience;
        _subscription = options.OnChange((changed, _) =>
        {
            _config = CreateConfig(changed);
            _pipeline = changed.Resilience;
        });
    }

    public Task HandleAsync(HttpContext context)
    {
        var exchange = Exchange.Of(context);
        var authority = exchange.Target!.Value.ToString(); // the middleware that chose this endpoint has set it
        exchange.Destination = authority;
        return _pipeline is { Length: > 0 } name && _pipelines.Find(name, cluster: null) is { } pipeline
            ? SendInTriesAsync(context, authority, pipeline)
            : SendAsync(context, authority).AsTask();
    }

    public void Dispose()
    {
        _subscription?.Dispose();
        _invoker.Dispose();
    }

    private ValueTask<ForwarderError> SendAsync(HttpContext context, string authority)
        => _forwarder.SendAsync(context, $"{context.Request.Scheme}://{authority}", _invoker, _config, _transformer);

    private Task SendInTriesAsync(HttpContext context, string authority, RequestPipeline pipeline)
        => new ForwardTries(context, pipeline, _metrics, () => SendAsync(context, authority).AsTask()).RunAsync();

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
