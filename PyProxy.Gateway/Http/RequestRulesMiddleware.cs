using Microsoft.AspNetCore.Http.Features;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Http;

/// <summary>
/// What HTTP demands of a proxy before anything else may look at a request: after it, policies, routing and origin see one and the same request.
/// </summary>
internal sealed class RequestRulesMiddleware(RequestDelegate next, Via via, RefusalWriter refusals)
{
    private const int Http2ProtocolError = 0x1; // RFC 9113 §7
    private const int Http3MessageError = 0x10e; // RFC 9114 §8.1

    private static readonly ProxyError OddMethod =
        ProxyErrors.MethodNotRecognized("Methods are case-sensitive; this one is spelled in another case.");

    private static readonly ProxyError OddTarget = ProxyErrors.BadRequest("The request target has a character that no target may have.");

    private static readonly ProxyError DotSegment = ProxyErrors.BadRequest("The path has a dot segment; resolve it before sending.");

    private static readonly ProxyError OddMaxForwards = ProxyErrors.BadRequest("Max-Forwards is not a number.");

    // Nothing a proxy could add by reflecting a request is worth the credentials in it (RFC 9110 §9.3.8).
    private static readonly ProxyError Trace = ProxyErrors.MethodNotRecognized("TRACE is neither answered nor forwarded.");

    public Task InvokeAsync(HttpContext context)
    {
        var request = context.Request;
        var isHttp1 = HttpProtocol.IsHttp11(request.Protocol) || HttpProtocol.IsHttp10(request.Protocol);
        if (!isHttp1 && Http2Fields.AreMalformed(request.Headers))
        {
            // A malformed request is an error of its stream (RFC 9113 §8.1.1), not a request to be answered.
            context.Features.GetRequiredFeature<IHttpResetFeature>()
                .Reset(HttpProtocol.IsHttp3(request.Protocol) ? Http3MessageError : Http2ProtocolError);
            return Task.CompletedTask;
        }

        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        if (Judge(request, target) is { } error)
        {
            return refusals.WriteAsync(context, error);
        }

        HopByHop.RemoveNominated(request.Headers);
        return HttpMethods.IsOptions(request.Method) ? OptionsAsync(context, target) : next(context);
    }

    private ProxyError? Judge(HttpRequest request, string target)
    {
        if (RequestMethods.WouldChange(request.Method))
        {
            return OddMethod;
        }

        if (!RequestTarget.IsWellFormed(target))
        {
            return OddTarget;
        }

        if (PathSafety.HasDotSegment(RequestTarget.Split(target).Path))
        {
            return DotSegment;
        }

        if (via.IsLoop(request.Headers.Via))
        {
            return ProxyErrors.LoopDetected;
        }

        return HttpMethods.IsTrace(request.Method) ? Trace : null;
    }

    /// <summary>An OPTIONS request ends here when it has no forwards left, or asks about this server as such (<c>*</c>).</summary>
    private Task OptionsAsync(HttpContext context, string target)
    {
        var headers = context.Request.Headers;
        if (!MaxForwards.TryRead(headers, out var remaining))
        {
            return refusals.WriteAsync(context, OddMaxForwards);
        }

        if (remaining is 0 || target == "*")
        {
            context.Response.Headers.Allow = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
            context.Response.ContentLength = 0;
            return Task.CompletedTask;
        }

        if (remaining is { } left)
        {
            MaxForwards.Write(headers, left - 1);
        }

        return next(context);
    }
}
