using System.Net.Sockets;
using PyProxy.Gateway.Egress.Profiles;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Egress;

/// <summary>
/// What the failures of resolving and connecting mean to whoever asked. The texts name what was asked for and never an address that a name
/// resolved to: which hosts an inner network has is nobody's business outside.
/// </summary>
internal static class DialFailure
{
    public static ProxyException Resolving(HostPort target, SocketException e) => new(
        e.SocketErrorCode switch
        {
            SocketError.TimedOut => ProxyErrors.DnsTimeout($"Resolving \"{target.Host}\" took too long."),
            SocketError.HostNotFound or SocketError.NoData => ProxyErrors.DnsFailure($"The name \"{target.Host}\" does not resolve to an address."),
            _ => ProxyErrors.DnsFailure($"The name \"{target.Host}\" could not be resolved."),
        },
        e);

    public static ProxyException Prohibited(HostPort target, AddressVerdict verdict)
    {
        var literal = target.TryGetAddress(out _);
        var error = ProxyErrors.DestinationProhibited(
            $"\"{target.Host}\" {(literal ? "is" : "resolves to")} {verdict.Description}, which clients may not reach through this gateway.", verdict.Setting);
        return new ProxyException(verdict.Reason == AddressReason.DeniedRange ? error with { DecidedBy = EgressOptions.DeniedAddressesSetting } : error);
    }

    /// <summary>The destination has no address of the family that the profile allows.</summary>
    public static ProxyException NoFamily(HostPort target, FamilyPreference family) => new(
        ProxyErrors.DestinationUnroutable($"\"{target.Host}\" has no {(family == FamilyPreference.OnlyIPv4 ? "IPv4" : "IPv6")} address, and nothing else may be used for it.") with
        {
            Fault = Fault.Gateway,
            Setting = EgressOptions.ProfilesSetting,
        });

    /// <summary>The destination has no address of the family that connections leave from.</summary>
    public static ProxyException NoSource(HostPort target, Exception? inner = null) => new(
        ProxyErrors.DestinationUnroutable($"\"{target.Host}\" cannot be reached from the gateway's source address.") with
        {
            Fault = Fault.Gateway,
            Setting = EgressOptions.SourceAddressSetting,
        },
        inner);

    public static ProxyException Connecting(HostPort target, SocketException e) => new(
        e.SocketErrorCode switch
        {
            SocketError.ConnectionRefused => ProxyErrors.ConnectionRefused($"{target} refused the connection."),
            SocketError.ConnectionReset or SocketError.ConnectionAborted => ProxyErrors.ConnectionTerminated($"{target} ended the connection at once."),
            SocketError.TimedOut => Timeout(target),
            SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable =>
                ProxyErrors.DestinationUnavailable("The gateway cannot open more connections just now.") with { Fault = Fault.Gateway },
            _ => ProxyErrors.DestinationUnroutable($"There is no way to {target}."),
        },
        e);

    public static ProxyError Timeout(HostPort target) => ProxyErrors.ConnectionTimeout($"{target} did not accept the connection in time.");

    public static ProxyError ResolvingTimeout(HostPort target) => ProxyErrors.DnsTimeout($"Resolving \"{target.Host}\" took too long.");
}
