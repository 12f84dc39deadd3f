using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Listeners.Socks;

/// <summary>
/// Connection feature: the destination of a SOCKS5 request that cannot be written into the head for Kestrel, which takes no underscore in a
/// CONNECT target. Names with one are in use (<c>my_service</c>), and a refusal by Kestrel would leave no record of the exchange.
/// </summary>
internal sealed record SocksTarget(string Authority)
{
    /// <summary>
    /// What the head says instead. A name that never resolves (RFC 6761 §6.4): were the real target not put back, nobody would be connected
    /// to a wrong one.
    /// </summary>
    public const string StandIn = "socks-target.invalid:443";

    /// <summary>The authority for Kestrel's head; <paramref name="restored"/> is what has to be put back, where it is another.</summary>
    public static string AuthorityForHead(HostPort target, out SocksTarget? restored)
    {
        var authority = target.ToString();
        restored = authority.Contains('_', StringComparison.Ordinal) ? new SocksTarget(authority) : null;
        return restored is null ? authority : StandIn;
    }
}
