using System.Net;
using System.Net.Sockets;

namespace PyProxy.Gateway.Egress;

/// <summary>RFC 6761 §6.3: <c>localhost</c> and everything below it is loopback, whatever a name server says, and no name server is asked.</summary>
internal static class Localhost
{
    public static IReadOnlyList<IPAddress> Addresses { get; } =
        Socket.OSSupportsIPv6 ? [IPAddress.IPv6Loopback, IPAddress.Loopback] : [IPAddress.Loopback];

    /// <param name="host">In canonical spelling.</param>
    public static bool IsName(string host)
        => host == "localhost" || host.EndsWith(".localhost", StringComparison.Ordinal);
}
