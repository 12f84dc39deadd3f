using Microsoft.AspNetCore.Http.Features;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Telemetry.Log;

/// <summary>
/// What was asked for: <c>host:port</c> for tunnels, else <c>scheme://host/path</c>. The path is as the client spelled it, because a decoded
/// one could not be told from another; user information is left out and, unless asked for, the query: that is where secrets travel. In pieces,
/// so that none has to be put together that is only written.
/// </summary>
internal ref struct AccessLogTarget
{
    public ReadOnlySpan<char> Scheme;
    public ReadOnlySpan<char> Authority;
    public ReadOnlySpan<char> Path;

    public static AccessLogTarget Of(HttpContext? context, Exchange exchange, bool queries)
    {
        if (context is null)
        {
            return new AccessLogTarget { Authority = exchange.Target?.ToString() };
        }

        var raw = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget.AsSpan();
        if (exchange.WayIn is WayIn.Connect or WayIn.Socks)
        {
            return new AccessLogTarget { Authority = exchange.Target is { } tunnel ? tunnel.ToString() : WithoutUserInformation(raw) };
        }

        ReadOnlySpan<char> scheme = context.Request.Scheme;
        ReadOnlySpan<char> authority = context.Request.Host.Value;
        var path = raw;
        if (!raw.StartsWith('/') && raw.IndexOf("://", StringComparison.Ordinal) is > 0 and var colon)
        {
            scheme = raw[..colon];
            var rest = raw[(colon + 3)..];
            var end = rest.IndexOfAny('/', '?', '#');
            authority = WithoutUserInformation(end < 0 ? rest : rest[..end]);
            path = end < 0 ? default : rest[end..];
        }

        if (exchange.Target is { } target)
        {
            authority = IsDefaultPort(scheme, target.Port) && !target.Host.Contains(':', StringComparison.Ordinal) ? target.Host : target.ToString();
        }

        return new AccessLogTarget { Scheme = scheme, Authority = authority, Path = queries ? path : WithoutQuery(path) };
    }

    public override readonly string ToString()
        => Scheme.IsEmpty ? Authority.ToString() : string.Create(null, $"{Scheme}://{Authority}{Path}");

    internal static ReadOnlySpan<char> WithoutQuery(ReadOnlySpan<char> path)
    {
        var end = path.IndexOfAny('?', '#');
        return end < 0 ? path : path[..end];
    }

    private static ReadOnlySpan<char> WithoutUserInformation(ReadOnlySpan<char> authority) => authority[(authority.LastIndexOf('@') + 1)..];

    private static bool IsDefaultPort(ReadOnlySpan<char> scheme, int port) => port switch
    {
        80 => scheme.Equals("http", StringComparison.OrdinalIgnoreCase),
        443 => scheme.Equals("https", StringComparison.OrdinalIgnoreCase),
        _ => false,
    };
}
