using Microsoft.Net.Http.Headers;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Http;

/// <summary>What both proxies do to a request after YARP has copied the client's fields, and after a route's own transforms.</summary>
internal sealed class ProxyRequestRules(Via via)
{
    /// <param name="context">The request as received.</param>
    /// <param name="proxyRequest">The request as it will be sent.</param>
    /// <param name="headersCopied">False where a route copies none of the client's fields.</param>
    public void Apply(HttpContext context, HttpRequestMessage proxyRequest, bool headersCopied = true)
    {
        var received = context.Request.Headers;

        // A trace of the way that has been gone is not a field that a route may choose not to copy.
        if (!headersCopied && received.Via.Count > 0)
        {
            proxyRequest.Headers.TryAddWithoutValidation(HeaderNames.Via, (IEnumerable<string?>)received.Via);
        }

        proxyRequest.Headers.TryAddWithoutValidation(HeaderNames.Via, via.ForRequest(context.Request.Protocol));

        // YARP takes it for a hop-by-hop field because of its name; it is an ordinary one (W3C Upgrade Insecure Requests §3.2.1).
        if (headersCopied && received.UpgradeInsecureRequests.Count > 0)
        {
            proxyRequest.Headers.TryAddWithoutValidation(
                HeaderNames.UpgradeInsecureRequests, (IEnumerable<string?>)received.UpgradeInsecureRequests);
        }

        // YARP copies an empty Host, and HttpClient then writes the destination's beside it.
        if (proxyRequest.Headers.NonValidated.TryGetValues(HeaderNames.Host, out var host) && string.IsNullOrWhiteSpace(host.ToString()))
        {
            proxyRequest.Headers.Remove(HeaderNames.Host);
        }

        if (context.Features.Get<Exchange>() is { Transfers: { } limiter })
        {
            PacedContent.Ask(proxyRequest, limiter);
        }
    }
}
