using System.Net;
using Microsoft.Extensions.Primitives;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Http;

/// <summary>The gateway's entry in <c>Via</c> (RFC 9110 §7.6.3), for messages received in each version of HTTP.</summary>
internal sealed class Via(GatewayIdentity identity)
{
    private const int MaxReceived = 2048; // dozens of proxies

    private readonly string _http10 = $"1.0 {identity.Pseudonym}";
    private readonly string _http11 = $"1.1 {identity.Pseudonym}";
    private readonly string _http2 = $"2.0 {identity.Pseudonym}";
    private readonly string _http3 = $"3.0 {identity.Pseudonym}";

    /// <summary>The entry for a request that came in by <paramref name="protocol"/>.</summary>
    public string ForRequest(string protocol)
    {
        if (HttpProtocol.IsHttp11(protocol))
        {
            return _http11;
        }

        return HttpProtocol.IsHttp2(protocol) ? _http2 : HttpProtocol.IsHttp3(protocol) ? _http3 : _http10;
    }

    /// <summary>
    /// What a request that ends here and begins anew at the next proxy (CONNECT) carries: the entries that it came with, and the gateway's. The
    /// next one finds a loop by them.
    /// </summary>
    public string ForNextProxy(HttpRequest request)
    {
        var own = ForRequest(request.Protocol);
        var received = request.Headers.Via.ToString();
        return received.Length is 0 or > MaxReceived || received.AsSpan().ContainsAnyExceptInRange(' ', '~') ? own : $"{received}, {own}";
    }

    /// <summary>The entry for a response that an origin gave in <paramref name="version"/>.</summary>
    public string ForResponse(Version version)
    {
        if (version == HttpVersion.Version11)
        {
            return _http11;
        }

        return version.Major switch { 2 => _http2, 3 => _http3, _ => _http10 };
    }

    /// <summary>Whether a message with these <c>Via</c> fields has passed here before.</summary>
    public bool IsLoop(StringValues received)
    {
        for (var i = 0; i < received.Count; i++)
        {
            foreach (var range in received[i].AsSpan().Split(','))
            {
                // entry = received-protocol RWS received-by [ RWS comment ]
                var entry = received[i].AsSpan(range).Trim(" \t");
                var afterProtocol = entry.IndexOfAny(' ', '\t');
                if (afterProtocol < 0)
                {
                    continue;
                }

                var receivedBy = entry[(afterProtocol + 1)..].TrimStart(" \t");
                var end = receivedBy.IndexOfAny(' ', '\t');
                if ((end < 0 ? receivedBy : receivedBy[..end]).Equals(identity.Pseudonym, StringComparison.OrdinalIgnoreCase))
                {
                    return true;
                }
            }
        }

        return false;
    }
}
