using System.Security.Cryptography;

namespace PyProxy.Gateway.Traffic;

/// <summary>How the gateway calls itself towards others: in <c>Via</c> (RFC 9110 §7.6.3) and <c>Proxy-Status</c> (RFC 9209).</summary>
/// <param name="Pseudonym">
/// Unique per process unless configured: a loop is found by it, and two gateways in a row must not take each other for themselves.
/// </param>
internal sealed record GatewayIdentity(string Pseudonym)
{
    /// <summary>An identity of this process.</summary>
    public static GatewayIdentity Create() => new($"pyproxy-{RandomNumberGenerator.GetHexString(8, lowercase: true)}");
}
