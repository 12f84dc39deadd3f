using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;
using PyProxy.Gateway.Egress.Profiles;
using PyProxy.Gateway.Filtering;
using PyProxy.Gateway.Http;
using PyProxy.Gateway.Privacy;
using PyProxy.Gateway.Traffic;
using Yarp.ReverseProxy.Forwarder;

namespace PyProxy.Gateway.Forward;

/// <summary>What becomes of a request in absolute form: YARP's copy, the rules of both proxies, and the target's authority as <c>Host</c>.</summary>
internal sealed class ForwardTransformer(ProxyRequestRules rules, MessagePrivacy privacy, ResponseFilter responses, EgressChooser egress) : HttpTransformer
{
    public override async ValueTask TransformRequestAsync(
        HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
    {
        await base.TransformRequestAsync(httpContext, proxyRequest, destinationPrefix, cancellationToken);
        rules.Apply(httpContext, proxyRequest);
        privacy.ApplyToRequest(httpContext, proxyRequest);

        // What was between the client and this proxy stays there (RFC 9110 §11.7.2).
        proxyRequest.Headers.Remove(HeaderNames.ProxyAuthorization);
        proxyRequest.Headers.Remove(HeaderNames.ProxyConnection);

        // The URI's authority is written instead, whatever the client's own field said (RFC 9112 §3.2.2).
        proxyRequest.Headers.Host = null;
        var target = RequestTarget.Split(httpContext.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget);
        proxyRequest.RequestUri = UpstreamPath.MakeUri(destinationPrefix, target.Path, privacy.ApplyToQuery(httpContext, target.Query));
        var exchange = Exchange.Of(httpContext);
        var choice = egress.Choose(exchange);
        if (!choice.IsUsual)
        {
            proxyRequest.Options.Set(EgressChoice.Key, choice);
        }

        exchange.UpstreamObserver?.OnSending(proxyRequest);
    }

    public override async ValueTask<bool> TransformResponseAsync(
        HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
    {
        Exchange.Of(httpContext).UpstreamObserver?.OnAnswered((int?)proxyResponse?.StatusCode);
        if (!await base.TransformResponseAsync(httpContext, proxyResponse, cancellationToken))
        {
            return false;
        }

        if (proxyResponse is null)
        {
            return true;
        }

        privacy.ApplyToResponse(httpContext);
        return await responses.ApplyAsync(httpContext); // last: rules judge what the client would get
    }
}
