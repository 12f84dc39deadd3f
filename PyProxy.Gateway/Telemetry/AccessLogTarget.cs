using System.Text.Json;
using Microsoft.AspNetCore.Http.Features;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Telemetry;

/// <summary>
/// What was asked for: <c>host:port</c> for tunnels, else <c>scheme://host/path</c>. The path is as the client spelled it, because a decoded
/// one could not be told from another; query and user information are left out, because that is where secrets travel.
/// </summary>
internal static class AccessLogTarget
{
    public static void Write(Utf8JsonWriter json, ReadOnlySpan<byte> name, HttpContext? context, Exchange exchange)
    {
        json.WritePropertyName(name);
        if (context is null)
        {
            json.WriteStringValue(exchange.Target?.ToString());
            return;
        }

        var raw = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget.AsSpan();
        if (exchange.WayIn is WayIn.Connect or WayIn.Socks)
        {
            json.WriteStringValue(exchange.Target?.ToString() ?? WithoutUserInformation(raw).ToString());
            return;
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

        json.WriteStringValueSegment(scheme, isFinalSegment: false);
        json.WriteStringValueSegment("://", isFinalSegment: false);
        json.WriteStringValueSegment(authority, isFinalSegment: false);
        json.WriteStringValueSegment(WithoutQuery(path), isFinalSegment: true);
    }

    private static ReadOnlySpan<char> WithoutUserInformation(ReadOnlySpan<char> authority) => authority[(authority.LastIndexOf('@') + 1)..];

    private static ReadOnlySpan<char> WithoutQuery(ReadOnlySpan<char> path)
    {
        var end = path.IndexOfAny('?', '#');
        return end < 0 ? path : path[..end];
    }

    private static bool IsDefaultPort(ReadOnlySpan<char> scheme, int port) => port switch
    {
        80 => scheme.Equals("http", StringComparison.OrdinalIgnoreCase),
        443 => scheme.Equals("https", StringComparison.OrdinalIgnoreCase),
        _ => false,
    };
}
