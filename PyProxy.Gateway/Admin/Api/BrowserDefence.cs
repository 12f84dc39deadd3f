using System.Net;

namespace PyProxy.Gateway.Admin.Api;

/// <summary>
/// Keeps web pages out that an operator's browser happens to show: it stands on a machine that may ask without a token, or in a network that
/// reaches the admin role.
/// </summary>
internal static class BrowserDefence
{
    /// <summary>
    /// Against DNS rebinding, where a page's own name is made to point here: such a request carries that name. An IP address cannot be rebound.
    /// </summary>
    public static bool IsHostKnown(string host, IReadOnlyList<string> allowed)
    {
        if (host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || IPAddress.TryParse(host.AsSpan().Trim("[]"), out _))
        {
            return true;
        }

        foreach (var name in allowed)
        {
            if (host.Equals(name, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Against forged requests: browsers say with <c>Origin</c> and <c>Sec-Fetch-Site</c> who asks; programs send neither.</summary>
    public static bool IsOriginOwn(HttpRequest request)
    {
        if (request.Headers.Origin is [{ Length: > 0 } origin, ..])
        {
            // By authority alone: behind something that ends TLS the scheme differs.
            var authority = origin.IndexOf("://", StringComparison.Ordinal);
            return authority > 0 && origin.AsSpan(authority + 3).Equals(request.Host.Value, StringComparison.OrdinalIgnoreCase);
        }

        // A safe request that is not CORS carries no Origin; "none" is what somebody typed into the address bar.
        var site = request.Headers["Sec-Fetch-Site"];
        return site.Count == 0 || site is ["same-origin" or "none"];
    }
}
