using System.Globalization;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Egress.Upstreams;

/// <summary>
/// An upstream proxy could not be used for a connection, and nothing of the exchange has been sent: another one may be tried. Its error says why,
/// with the proxy's name and never with its address or credentials.
/// </summary>
internal sealed class UpstreamUnusableException(ProxyError error, Exception? inner = null) : IOException(error.Detail, inner)
{
    public ProxyError Error { get; } = error;

    /// <summary>
    /// Whether it counts against the proxy. Not where a destination may be the cause, which any user may choose: some proxies pass a broken
    /// connection on instead of answering in their own name.
    /// </summary>
    public bool Counts { get; init; } = true;

    public static UpstreamUnusableException? Find(Exception? exception)
    {
        for (var e = exception; e is not null; e = e.InnerException)
        {
            if (e is UpstreamUnusableException unusable)
            {
                return unusable;
            }
        }

        return null;
    }
}

/// <summary>What the failures of upstream proxies mean to whoever asked.</summary>
internal static class UpstreamFailure
{
    public static ProxyError Unreachable(UpstreamProxy proxy, ProxyError dial)
        => At(proxy, dial.Token is "dns_error" or "dns_timeout"
            ? ProxyErrors.DestinationUnavailable($"The upstream proxy \"{proxy.Name}\" cannot be found.") with { Fault = Fault.Gateway }
            : dial with { Detail = $"The upstream proxy \"{proxy.Name}\" cannot be connected to.", Setting = null, DecidedBy = null });

    public static ProxyError TooSlow(UpstreamProxy proxy) => At(proxy, ProxyErrors.ConnectionTimeout($"The upstream proxy \"{proxy.Name}\" did not answer in time."));

    public static ProxyError Tls(UpstreamProxy proxy) => At(proxy, ProxyErrors.TlsProtocolError($"The TLS handshake with the upstream proxy \"{proxy.Name}\" failed."));

    public static ProxyError BrokeOff(UpstreamProxy proxy) => At(proxy, ProxyErrors.ConnectionTerminated($"The upstream proxy \"{proxy.Name}\" ended the connection."));

    public static ProxyError OddAnswer(UpstreamProxy proxy) => At(proxy, ProxyErrors.InvalidResponse($"The upstream proxy \"{proxy.Name}\" did not answer as one does."));

    public static ProxyError Credentials(string profile, UpstreamProxy proxy, int? status = null)
        => At(proxy, ProxyErrors.Misconfigured(
            $"The upstream proxy \"{proxy.Name}\" does not accept the gateway's credentials.",
            $"{EgressOptions.ProfilesSetting}:{profile}:Upstreams:Proxies:{proxy.Name}")) with
        { ReceivedStatus = status };

    /// <summary>It answered, with a status that is no 2xx, and is not tried again elsewhere: most of the time it speaks of the destination.</summary>
    public static ProxyError Refused(UpstreamProxy proxy, HostPort target, int status)
    {
        var detail = string.Create(CultureInfo.InvariantCulture, $"The upstream proxy \"{proxy.Name}\" opened no tunnel to {target}: it answered {status}.");
        return At(proxy, status == StatusCodes.Status504GatewayTimeout ? ProxyErrors.ConnectionTimeout(detail) : ProxyErrors.ConnectionRefused(detail)) with
        {
            ReceivedStatus = status,
        };
    }

    /// <summary>The same for the reply of a SOCKS5 proxy (RFC 1928 §6).</summary>
    public static ProxyError Refused(UpstreamProxy proxy, HostPort target, byte reply)
    {
        var why = reply switch
        {
            2 => "it does not allow that",
            3 => "the network is unreachable",
            4 => "the host is unreachable",
            5 => "the connection was refused",
            6 => "it took too long",
            _ => string.Create(CultureInfo.InvariantCulture, $"its reply was {reply}"),
        };
        var detail = $"The upstream proxy \"{proxy.Name}\" opened no connection to {target}: {why}.";
        return At(proxy, reply switch
        {
            3 or 4 => ProxyErrors.DestinationUnroutable(detail),
            6 => ProxyErrors.ConnectionTimeout(detail),
            _ => ProxyErrors.ConnectionRefused(detail),
        });
    }

    /// <summary>It was told an address or a name and the whole of the exchange's time went by without an answer.</summary>
    public static ProxyError NoAnswer(UpstreamProxy proxy, HostPort target)
        => At(proxy, ProxyErrors.ConnectionTimeout($"The upstream proxy \"{proxy.Name}\" did not open a connection to {target} in time."));

    public static ProxyError AllOut(UpstreamPool pool) => ProxyErrors.DestinationUnavailable($"No upstream proxy of the egress profile \"{pool.Profile}\" is available.") with
    {
        Fault = Fault.Gateway,
        RetryAfter = pool.UntilOneIsBack,
    };

    private static ProxyError At(UpstreamProxy proxy, ProxyError error) => error with { NextHop = proxy.Name };
}
