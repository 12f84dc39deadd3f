namespace PyProxy.Gateway.Traffic;

/// <summary>Connection feature: the user was verified before HTTP began, by <see cref="ICredentialVerifier"/> during the SOCKS5 handshake.</summary>
internal interface IVerifiedUserFeature
{
    KnownUser User { get; }
}
