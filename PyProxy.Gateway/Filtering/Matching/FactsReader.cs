using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Http.Features;
using PyProxy.Gateway.Http;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Filtering.Matching;

/// <summary>Reads what rules may ask about out of a request.</summary>
internal static class FactsReader
{
    /// <returns>False where the host is neither a name nor an address: rules speak of hosts, and it could mean anything to the origin behind them.</returns>
    public static bool TryRead(HttpContext context, Exchange exchange, DateTimeOffset now, out Facts facts)
    {
        var request = context.Request;
        facts = default;
        if (!TryGetTarget(request, exchange, out var target))
        {
            return false;
        }

        var isTunnel = exchange.WayIn is WayIn.Connect or WayIn.Socks;
        ReadOnlyMemory<char> path = default;
        ReadOnlyMemory<char> query = default;
        if (!isTunnel)
        {
            Split(context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget, out path, out query);
        }

        facts = new Facts
        {
            Account = exchange.Account,
            Client = exchange.ClientAddress is null ? null : ClientRange.Unmap(exchange.ClientAddress),
            Endpoint = exchange.Endpoint,
            WayIn = exchange.WayIn,
            Scheme = isTunnel ? null : request.Scheme,
            Method = request.Method,
            Host = target.Host ?? "",
            Port = target.Port,
            HasPath = !isTunnel,
            Path = path,
            Query = query,
            Headers = exchange.WayIn == WayIn.Socks ? null : request.Headers,
            BodySize = isTunnel ? null : BodySize(context),
            Now = now,
        };
        return true;
    }

    /// <summary>The same exchange, once its destination has answered.</summary>
    public static Facts WithResponse(in Facts facts, HttpResponse response) => facts with
    {
        Status = response.StatusCode,
        ResponseHeaders = response.Headers,
        ResponseSize = response.ContentLength,
    };

    /// <summary>Path and query of a request target, in the spelling that patterns are written for: percent-decoded, runs of slashes as one.</summary>
    public static void Split(string rawTarget, out ReadOnlyMemory<char> path, out ReadOnlyMemory<char> query)
    {
        var target = RequestTarget.Split(rawTarget);
        path = Slice(rawTarget, target.Path);
        if (target.Path.Contains('%') || target.Path.IndexOf("//") >= 0)
        {
            path = Normalize(target.Path).AsMemory();
        }

        var text = target.Query.IsEmpty ? target.Query : target.Query[1..];
        query = text.Contains('%') ? Uri.UnescapeDataString(text).AsMemory() : Slice(rawTarget, text);
    }

    private static string Normalize(ReadOnlySpan<char> path)
    {
        // What a rule about /admin is to see of /%61dmin and //admin: what most origins make of them.
        var decoded = Uri.UnescapeDataString(path);
        while (decoded.Contains("//", StringComparison.Ordinal))
        {
            decoded = decoded.Replace("//", "/", StringComparison.Ordinal);
        }

        return decoded;
    }

    private static ReadOnlyMemory<char> Slice(string whole, ReadOnlySpan<char> part)
        => part.IsEmpty ? default
            : whole.AsSpan().Overlaps(part, out var offset) ? whole.AsMemory(offset, part.Length)
            : part.ToString().AsMemory(); // a path that the target left out

    /// <summary>The host that the client asks for, in canonical spelling; without one where it names none (HTTP/1.0).</summary>
    private static bool TryGetTarget(HttpRequest request, Exchange exchange, [NotNullWhen(true)] out HostPort target)
    {
        if (exchange.Target is { } known)
        {
            target = known;
            return true;
        }

        target = default;
        return !request.Host.HasValue || HostPort.TryParse(request.Host.Value, request.IsHttps ? 443 : 80, out target);
    }

    private static long? BodySize(HttpContext context)
        => context.Request.ContentLength
            ?? (context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false } ? 0 : null);
}
