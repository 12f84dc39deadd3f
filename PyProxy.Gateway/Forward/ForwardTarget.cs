using Microsoft.AspNetCore.Http.Features;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Forward;

/// <summary>Where a forward request wants to go.</summary>
/// <param name="Scheme"><c>http</c> or <c>https</c>; <see langword="null"/> for a tunnel.</param>
/// <param name="Authority">Host and port.</param>
internal readonly record struct ForwardTarget(string? Scheme, HostPort Authority)
{
    private static readonly ProxyError NoAuthority =
        ProxyErrors.BadRequest("The target of CONNECT has to be a host and a port (example.org:443).");

    private static readonly ProxyError NotAbsolute = ProxyErrors.BadRequest(
        "This is a forward proxy; the request target has to be in absolute form (http://example.org/).");

    private static readonly ProxyError OddScheme = ProxyErrors.BadRequest("Only http and https targets are forwarded.");

    private static readonly ProxyError UserInformation = ProxyErrors.BadRequest("The target has user information; it belongs into fields.");

    private static readonly ProxyError OddAuthority = ProxyErrors.BadRequest("The target's authority is not a host and a port.");

    public bool IsTunnel => Scheme is null;

    /// <summary>Reads the target; <paramref name="error"/> is the refusal where there is none that could be meant.</summary>
    public static ForwardTarget Parse(HttpContext context, out ProxyError? error)
    {
        var raw = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget.AsSpan();
        if (IsTunnelRequest(context))
        {
            error = HostPort.TryParse(raw, defaultPort: 0, out var authority) ? null : NoAuthority;
            return new ForwardTarget(Scheme: null, authority);
        }

        if (raw.StartsWith('/') && !IsHttp1(context))
        {
            return FromParts(context.Request.Scheme, context.Request.Host.Value, out error);
        }

        var colon = raw.IndexOf("://");
        if (colon <= 0 || raw.StartsWith('/'))
        {
            error = NotAbsolute; // without a target of its own the request could only come back to this listener
            return default;
        }

        var rest = raw[(colon + 3)..];
        var end = rest.IndexOfAny('/', '?');
        return FromParts(raw[..colon], end < 0 ? rest : rest[..end], out error);
    }

    // An extended CONNECT (RFC 8441) asks for a WebSocket at a path; only the plain one asks for a tunnel.
    private static bool IsTunnelRequest(HttpContext context)
        => HttpMethods.IsConnect(context.Request.Method)
            && context.Features.Get<IHttpExtendedConnectFeature>() is not { IsExtendedConnect: true };

    private static bool IsHttp1(HttpContext context)
        => HttpProtocol.IsHttp11(context.Request.Protocol) || HttpProtocol.IsHttp10(context.Request.Protocol);

    private static ForwardTarget FromParts(ReadOnlySpan<char> scheme, ReadOnlySpan<char> authority, out ProxyError? error)
    {
        var isSecure = scheme.Equals(Uri.UriSchemeHttps, StringComparison.OrdinalIgnoreCase);
        if (!isSecure && !scheme.Equals(Uri.UriSchemeHttp, StringComparison.OrdinalIgnoreCase))
        {
            error = OddScheme;
            return default;
        }

        if (authority.Contains('@'))
        {
            error = UserInformation;
            return default;
        }

        error = HostPort.TryParse(authority, isSecure ? 443 : 80, out var target) ? null : OddAuthority;
        return new ForwardTarget(isSecure ? Uri.UriSchemeHttps : Uri.UriSchemeHttp, target);
    }
}
