namespace PyProxy.Gateway.Listeners.Socks;

internal static class SocksVersions
{
    public const byte Socks4 = 0x04;
    public const byte Socks5 = 0x05;

    /// <summary>Version of the user/password sub-negotiation, RFC 1929 §2.</summary>
    public const byte UserPassword = 0x01;
}
