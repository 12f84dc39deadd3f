using System.IO.Pipelines;
using Microsoft.AspNetCore.Http.Features;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Telemetry;

/// <summary>
/// Counts the bytes of bodies and upgraded streams at the edge between server and pipeline. Kestrel counts no bytes per request, and its
/// connection's counts would hold heads, TLS and other streams' frames. Only what can carry bytes is wrapped: a GET costs one object.
/// </summary>
internal static class BodyCounting
{
    public static void Attach(HttpContext context, Exchange exchange)
    {
        var features = context.Features;
        if (features.Get<IHttpResponseBodyFeature>() is { } responseBody)
        {
            features.Set<IHttpResponseBodyFeature>(new CountingResponseBody(responseBody, exchange, HttpMethods.IsHead(context.Request.Method)));
        }

        if (features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true } upgrade)
        {
            features.Set<IHttpUpgradeFeature>(new CountingUpgrade(upgrade, exchange));
        }
        else if (features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true } extendedConnect)
        {
            features.Set<IHttpExtendedConnectFeature>(new CountingExtendedConnect(extendedConnect, exchange));
        }
        else if (features.Get<IHttpRequestBodyDetectionFeature>() is not { CanHaveBody: false } && !HttpMethods.IsConnect(context.Request.Method))
        {
            // CONNECT over HTTP/2 relays through the request body; the relay counts for itself and needs Kestrel's own pipe. The reader of
            // everything else follows the stream: Kestrel makes a pipe over a replaced body.
            context.Request.Body = new CountingStream(context.Request.Body, exchange);
        }
    }
}

internal sealed class CountingResponseBody(IHttpResponseBodyFeature inner, Exchange exchange, bool isHead) : IHttpResponseBodyFeature
{
    private Stream? _stream;
    private PipeWriter? _writer;

    // The body of an answer to HEAD is discarded by the server: nothing to count.
    public Stream Stream => _stream ??= isHead ? inner.Stream : new CountingStream(inner.Stream, exchange);

    public PipeWriter Writer => _writer ??= isHead ? inner.Writer : new CountingPipeWriter(inner.Writer, exchange);

    public void DisableBuffering() => inner.DisableBuffering();

    public Task StartAsync(CancellationToken cancellationToken = default) => inner.StartAsync(cancellationToken);

    public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default)
        => SendFileFallback.SendFileAsync(Stream, path, offset, count, cancellationToken); // what Kestrel does, over the counted stream

    public Task CompleteAsync() => inner.CompleteAsync();
}

internal sealed class CountingUpgrade(IHttpUpgradeFeature inner, Exchange exchange) : IHttpUpgradeFeature
{
    public bool IsUpgradableRequest => inner.IsUpgradableRequest;

    public async Task<Stream> UpgradeAsync() => new CountingStream(await inner.UpgradeAsync(), exchange);
}

internal sealed class CountingExtendedConnect(IHttpExtendedConnectFeature inner, Exchange exchange) : IHttpExtendedConnectFeature
{
    public bool IsExtendedConnect => inner.IsExtendedConnect;

    public string? Protocol => inner.Protocol;

    public async ValueTask<Stream> AcceptAsync() => new CountingStream(await inner.AcceptAsync(), exchange);
}
