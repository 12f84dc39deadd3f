namespace PyProxy.Gateway.Traffic;

/// <summary>Connection feature: the user was verified before HTTP began, by <see cref="ICredentialVerifier"/> during the SOCKS5 handshake.</summary>
internal interface IVerifiedUserFeature
{
    KnownUser User { get; }

    /// <summary>When verifying began.</summary>
    DateTimeOffset VerifiedFrom { get; }

    /// <summary>When the user was known.</summary>
    DateTimeOffset VerifiedUntil { get; }
}
