using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using PyProxy.Gateway.Resilience;
using Yarp.ReverseProxy.Forwarder;

namespace PyProxy.Gateway.Http.Tries;

/// <summary>A request and its response, put back to where they were before a try.</summary>
internal sealed class RepeatableRequest : IDisposable
{
    private readonly HttpContext _context;
    private readonly bool _isIdempotent;
    private readonly Stream? _received;
    private readonly RepeatableBody? _body;

    // What stages before this one say to the client.
    private readonly KeyValuePair<string, StringValues>[] _fields;

    public RepeatableRequest(HttpContext context, RetryOptions options)
    {
        _context = context;
        var request = context.Request;
        _isIdempotent = IsIdempotent(request.Method);
        _fields = context.Response.Headers.Count > 0 ? [.. context.Response.Headers] : [];
        if (context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false })
        {
            return;
        }

        IsStreamed = request.ContentLength is not { } length || length > options.BufferLimit;
        if (_isIdempotent && options.MaxRetries > 0)
        {
            _received = request.Body;
            request.Body = _body = new RepeatableBody(_received, options.BufferLimit);
        }
    }

    /// <summary>Whether the body does not fit what is kept of it, as far as its head says.</summary>
    public bool IsStreamed { get; }

    /// <summary>Whether HTTP allows to send it again, and everything that was read of its body is still there.</summary>
    public bool IsRepeatable => _isIdempotent && _body is not { IsLost: true };

    public void Rewind()
    {
        _body?.Rewind();
        ClearResponse();
    }

    /// <summary>Takes back what a try has put into the response.</summary>
    public void ClearResponse()
    {
        if (_context.Response.HasStarted)
        {
            return;
        }

        _context.Features.Set<IForwarderErrorFeature>(null);
        _context.Response.Clear();
        foreach (var (name, value) in _fields)
        {
            _context.Response.Headers[name] = value;
        }
    }

    public void Dispose()
    {
        if (_body is not null)
        {
            _context.Request.Body = _received!;
            _body.Dispose();
        }
    }

    // RFC 9110 §9.2.2; a proxy must not repeat others by itself.
    private static bool IsIdempotent(string method) => HttpMethods.IsGet(method) || HttpMethods.IsHead(method) || HttpMethods.IsPut(method)
        || HttpMethods.IsDelete(method) || HttpMethods.IsOptions(method) || HttpMethods.IsTrace(method);
}
