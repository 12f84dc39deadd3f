using System.Collections.Frozen;
using System.Net;
using System.Net.Http.Headers;
using Microsoft.Net.Http.Headers;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Privacy;

/// <summary>One profile, compiled. It changes the copies that go out, never what the gateway itself still reads of a request.</summary>
internal sealed class PrivacyProfile(PrivacyProfileOptions options)
{
    private const string XForwardedFor = "X-Forwarded-For";
    private const string Forwarded = "Forwarded";

    /// <summary>Fields by which proxies and services in front tell who the client is.</summary>
    private static readonly string[] AddressFields =
    [
        Forwarded, XForwardedFor, "X-Forwarded", "X-Forwarded-Host", "X-Forwarded-Port", "X-Forwarded-Proto", "X-Forwarded-Server", "X-Forwarded-Client-Cert",
        "X-Real-IP", "X-Client-IP", "Client-IP", "X-Cluster-Client-IP", "True-Client-IP", "CF-Connecting-IP", "Fastly-Client-IP", "X-Original-Forwarded-For",
        "X-Originating-IP", "X-Remote-IP", "X-Remote-Addr", "X-ProxyUser-IP",
    ];

    /// <summary>What a request cannot do without: how its body is read, and an upgrade.</summary>
    private static readonly string[] FramingFields =
    [
        "Host", "Content-Length", "Content-Type", "Content-Encoding", "Transfer-Encoding", "Connection", "Upgrade", "Expect", "TE", "Trailer",
        "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions",
    ];

    private static readonly string[] DefaultAllowedFields =
    [
        "Accept", "Accept-Encoding", "Access-Control-Request-Headers", "Access-Control-Request-Method", "Authorization", "Cache-Control", "Cookie", "If-Match",
        "If-Modified-Since", "If-None-Match", "If-Range", "If-Unmodified-Since", "Origin", "Pragma", "Range",
    ];

    private readonly FrozenSet<string>? _allowed = options.Mode == PrivacyMode.Strict
        ? FramingFields.Concat(options.AllowedFields ?? DefaultAllowedFields).ToFrozenSet(StringComparer.OrdinalIgnoreCase)
        : null;

    private readonly QueryFilter? _query = QueryFilter.Create(options);
    private readonly string[] _requestRemove = [.. options.RequestFields.Remove];
    private readonly KeyValuePair<string, string>[] _requestSet = [.. options.RequestFields.Set];
    private readonly string[] _responseRemove = [.. options.ResponseFields.Remove];
    private readonly KeyValuePair<string, string>[] _responseSet = [.. options.ResponseFields.Set];

    public PrivacyMode Mode => options.Mode;

    /// <summary>What goes out of a request. Stands behind everything else that makes its fields, or that would bring back what was removed.</summary>
    /// <param name="context">The request as received.</param>
    /// <param name="request">The request as it will be sent.</param>
    /// <param name="via">The gateway's own entry in <c>Via</c>.</param>
    /// <param name="identity">How the gateway calls itself.</param>
    public void ApplyToRequest(HttpContext context, HttpRequestMessage request, string via, GatewayIdentity identity)
    {
        switch (options.Mode)
        {
            case PrivacyMode.Transparent when Exchange.Of(context) is { WayIn: not WayIn.Reverse, ClientAddress: { } client }:
                Reveal(request, client, context.Request.Scheme, identity);
                break;
            case PrivacyMode.Anonymous:
                HideAddresses(request);
                break;
            case PrivacyMode.Strict:
                HideAddresses(request);
                Restrict(context.Request.Headers, request, via);
                break;
        }

        ApplyUserAgent(context.Request.Headers, request);
        foreach (var name in _requestRemove)
        {
            Remove(request, name);
        }

        foreach (var (name, value) in _requestSet)
        {
            Set(request, name, value);
        }
    }

    /// <summary>The query that goes out; <paramref name="query"/> itself where nothing is removed.</summary>
    /// <param name="query">Percent-encoded, with its question mark; or empty.</param>
    public ReadOnlySpan<char> ApplyToQuery(ReadOnlySpan<char> query) => _query is null || query.IsEmpty ? query : _query.Apply(query.ToString());

    public void ApplyToResponse(IHeaderDictionary fields)
    {
        foreach (var name in _responseRemove)
        {
            fields.Remove(name);
        }

        foreach (var (name, value) in _responseSet)
        {
            fields[name] = value;
        }
    }

    /// <summary>RFC 7239 §4, and the field that everybody reads; appended, because proxies before this one may have said something.</summary>
    private static void Reveal(HttpRequestMessage request, IPAddress client, string scheme, GatewayIdentity identity)
    {
        client = client.IsIPv4MappedToIPv6 ? client.MapToIPv4() : client;
        var isV6 = client.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6;
        Append(request, XForwardedFor, client.ToString());
        Append(request, Forwarded, $"for={(isV6 ? $"\"[{client}]\"" : client.ToString())};by=_{identity.Pseudonym};proto={scheme}");
    }

    private static void Append(HttpRequestMessage request, string name, string value)
    {
        if (request.Headers.NonValidated.TryGetValues(name, out var before))
        {
            request.Headers.Remove(name);
            value = $"{string.Join(", ", before)}, {value}"; // one line: readers disagree about which of several counts
        }

        request.Headers.TryAddWithoutValidation(name, value);
    }

    private static void HideAddresses(HttpRequestMessage request)
    {
        foreach (var name in AddressFields)
        {
            request.Headers.Remove(name);
        }
    }

    private void Restrict(IHeaderDictionary received, HttpRequestMessage request, string via)
    {
        foreach (var (name, _) in received)
        {
            if (!_allowed!.Contains(name))
            {
                Remove(request, name);
            }
        }

        // Who was in front of this proxy goes with the rest; its own entry stays, by which loops are found.
        request.Headers.Remove(HeaderNames.Via);
        request.Headers.TryAddWithoutValidation(HeaderNames.Via, via);
    }

    private void ApplyUserAgent(IHeaderDictionary received, HttpRequestMessage request)
    {
        if (options.UserAgent == UserAgentPolicy.Keep)
        {
            return;
        }

        foreach (var (name, _) in received)
        {
            if (name.StartsWith("Sec-CH-", StringComparison.OrdinalIgnoreCase))
            {
                Remove(request, name);
            }
        }

        var original = received.UserAgent.ToString();
        request.Headers.Remove(HeaderNames.UserAgent);
        var value = options.UserAgent switch
        {
            UserAgentPolicy.Fixed => options.UserAgentValue,
            UserAgentPolicy.Generalise when original.Length > 0 => UserAgentGeneraliser.Apply(original),
            _ => "",
        };
        if (!string.IsNullOrEmpty(value))
        {
            request.Headers.TryAddWithoutValidation(HeaderNames.UserAgent, value);
        }
    }

    private static void Set(HttpRequestMessage request, string name, string value)
    {
        Remove(request, name);
        if (!request.Headers.TryAddWithoutValidation(name, value))
        {
            request.Content?.Headers.TryAddWithoutValidation(name, value); // a field about the body, where there is one
        }
    }

    private static void Remove(HttpRequestMessage request, string name)
    {
        Remove(request.Headers, name);
        if (request.Content is { } content)
        {
            Remove(content.Headers, name);
        }
    }

    // Remove alone throws for a name that belongs to the other collection.
    private static void Remove(HttpHeaders fields, string name)
    {
        if (fields.NonValidated.Contains(name))
        {
            fields.Remove(name);
        }
    }
}
