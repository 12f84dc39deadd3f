using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Listeners.Socks;

/// <summary>The reply codes of RFC 1928 §6.</summary>
internal enum SocksReplyCode : byte
{
    Succeeded = 0x00,
    GeneralFailure = 0x01,
    NotAllowedByRuleset = 0x02,
    NetworkUnreachable = 0x03,
    HostUnreachable = 0x04,
    ConnectionRefused = 0x05,
    TtlExpired = 0x06,
    CommandNotSupported = 0x07,
    AddressTypeNotSupported = 0x08,
}

internal static class SocksReply
{
    /// <summary>
    /// A reply. The bound address is 0.0.0.0:0: it would be one of the gateway's own, which is nobody's business, and clients of CONNECT
    /// do not use it.
    /// </summary>
    public static byte[] Create(SocksReplyCode code) => [SocksVersions.Socks5, (byte)code, 0x00, 0x01, 0, 0, 0, 0, 0, 0];

    /// <summary>The code that says best what an error says. Without one the exchange failed in a way that nobody named.</summary>
    public static SocksReplyCode CodeOf(ProxyError? error) => error switch
    {
        null => SocksReplyCode.GeneralFailure,
        { Token: "dns_error" or "dns_timeout" } => SocksReplyCode.HostUnreachable, // no address: there is nothing whose TTL could expire
        { Token: "destination_ip_unroutable" } => SocksReplyCode.NetworkUnreachable,
        { Token: "connection_refused" } => SocksReplyCode.ConnectionRefused,
        { Token: "connection_timeout" } => SocksReplyCode.TtlExpired,
        { Status: StatusCodes.Status403Forbidden or StatusCodes.Status401Unauthorized or StatusCodes.Status407ProxyAuthenticationRequired }
            => SocksReplyCode.NotAllowedByRuleset,
        _ => SocksReplyCode.GeneralFailure,
    };
}
