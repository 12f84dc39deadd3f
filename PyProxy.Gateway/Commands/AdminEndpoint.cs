using System.Net;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Commands;

/// <summary>The admin endpoint of the gateway that runs on this machine under the same configuration, as commands ask it.</summary>
internal static class AdminEndpoint
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Where the admin role can be reached from this machine; <see langword="null"/> where there is no such endpoint.</summary>
    public static Uri? Address(IEnumerable<KeyValuePair<string, string?>> settings)
    {
        const string prefix = "Kestrel:Endpoints:";
        const string suffix = ":Role";
        var all = new Dictionary<string, string?>(settings, StringComparer.OrdinalIgnoreCase);
        foreach (var (key, value) in all)
        {
            if (key.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)
                && key.EndsWith(suffix, StringComparison.OrdinalIgnoreCase)
                && string.Equals(value, nameof(ListenerRole.Admin), StringComparison.OrdinalIgnoreCase)
                && all.TryGetValue(string.Concat(key.AsSpan(0, key.Length - suffix.Length), ":Url"), out var url)
                && url is not null)
            {
                return Reachable(BindingAddress.Parse(url));
            }
        }

        return null;
    }

    /// <summary>Asks one question.</summary>
    /// <exception cref="HttpRequestException">It cannot be reached.</exception>
    /// <exception cref="TaskCanceledException">It does not answer in time.</exception>
    public static async Task<(HttpStatusCode Status, string Body)> GetAsync(Uri address, CancellationToken cancellationToken)
    {
#pragma warning disable RS0030 // Not traffic: one question of the operator's to the gateway's own admin endpoint, to an address from its configuration.
        using var handler = new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, ConnectTimeout = Patience };
#pragma warning restore RS0030

#pragma warning disable CA5359 // The endpoint's certificate names how others reach it, not loopback; nothing is sent that could be stolen.
        handler.SslOptions.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
#pragma warning restore CA5359
        using var client = new HttpClient(handler) { Timeout = Patience };
        using var response = await client.GetAsync(address, cancellationToken);
        return (response.StatusCode, await response.Content.ReadAsStringAsync(cancellationToken));
    }

    // What means every address when it is bound is reached on loopback.
    private static Uri? Reachable(BindingAddress bound)
    {
        if (bound.IsUnixPipe || bound.IsNamedPipe)
        {
            return null;
        }

        var host = bound.Host switch
        {
            "*" or "+" or "0.0.0.0" => "127.0.0.1",
            "[::]" => "[::1]",
            var named => named,
        };
        return new UriBuilder(bound.Scheme, host, bound.Port).Uri;
    }
}
