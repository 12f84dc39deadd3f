using Microsoft.AspNetCore.Http.Features;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Http;

/// <summary>
/// What HTTP demands of a proxy before anything else may look at a request: after it, policies, routing and origin see one and the same request.
/// A refusal travels as a <see cref="ProxyException"/> to the middleware that answers it.
/// </summary>
internal sealed class RequestRulesMiddleware(RequestDelegate next, Via via)
{
    private const int Http2ProtocolError = 0x1; // RFC 9113 §7
    private const int Http3MessageError = 0x10e; // RFC 9114 §8.1

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

        if (RequestMethods.WouldChange(request.Method))
        {
            throw new ProxyException(ProxyErrors.MethodNotRecognized("Methods are case-sensitive; this one is spelled in another case."));
        }

        CheckTarget(context);
        if (via.IsLoop(request.Headers.Via))
        {
            throw new ProxyException(ProxyErrors.LoopDetected);
        }

        HopByHop.RemoveNominated(request.Headers);
        if (HttpMethods.IsTrace(request.Method))
        {
            // Nothing a proxy could add by reflecting a request is worth the credentials in it (RFC 9110 §9.3.8).
            throw new ProxyException(ProxyErrors.MethodNotRecognized("TRACE is neither answered nor forwarded."));
        }

        return HttpMethods.IsOptions(request.Method) && IsForGateway(context) ? AnswerOptions(context) : next(context);
    }

    private static void CheckTarget(HttpContext context)
    {
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        if (!RequestTarget.IsWellFormed(target))
        {
            throw new ProxyException(ProxyErrors.BadRequest("The request target has a character that no target may have."));
        }

        if (PathSafety.HasDotSegment(RequestTarget.Split(target).Path))
        {
            throw new ProxyException(ProxyErrors.BadRequest("The path has a dot segment; resolve it before sending."));
        }
    }

    /// <summary>Whether an OPTIONS request ends here: it has no forwards left, or it asks about this server as such (<c>*</c>).</summary>
    private static bool IsForGateway(HttpContext context)
    {
        var headers = context.Request.Headers;
        if (!MaxForwards.TryRead(headers, out var remaining))
        {
            throw new ProxyException(ProxyErrors.BadRequest("Max-Forwards is not a number."));
        }

        if (remaining is 0 || context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget == "*")
        {
            return true;
        }

        if (remaining is { } left)
        {
            MaxForwards.Write(headers, left - 1);
        }

        return false;
    }

    private static Task AnswerOptions(HttpContext context)
    {
        context.Response.Headers.Allow = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
        context.Response.ContentLength = 0;
        return Task.CompletedTask;
    }
}
