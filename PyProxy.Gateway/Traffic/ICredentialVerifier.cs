using System.Net;

namespace PyProxy.Gateway.Traffic;

/// <summary>Verifies a name and a password. The seam between users and the ways in that ask before HTTP begins (SOCKS5, RFC 1929).</summary>
internal interface ICredentialVerifier
{
    /// <summary>The user, or <see langword="null"/> where name or password are not right. Takes as long for unknown names as for known ones.</summary>
    ValueTask<KnownUser?> VerifyAsync(string userName, string password, IPAddress? clientAddress, CancellationToken cancellationToken);
}
