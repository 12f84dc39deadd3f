using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace PyProxy.Gateway.Egress;

/// <summary>Whom a server's certificate must come from.</summary>
internal static class ServerTrust
{
    /// <param name="authorities">In place of those that the system trusts; <see langword="null"/> for the system's.</param>
    /// <remarks>
    /// A certificate names URLs where its issuer is to be had, and .NET would fetch from there while it verifies: connections to wherever the
    /// destination likes, past the dialer. Servers have to send their intermediates, as every other proxy expects. (Revocation stays
    /// unchecked, as it is by default.)
    /// </remarks>
    public static X509ChainPolicy Policy(X509Certificate2Collection? authorities = null)
    {
        var policy = new X509ChainPolicy { DisableCertificateDownloads = true, RevocationMode = X509RevocationMode.NoCheck };
        if (authorities is not null)
        {
            policy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            policy.CustomTrustStore.AddRange(authorities);
        }

        return policy;
    }

    /// <summary>The certificates of a PEM file.</summary>
    public static X509Certificate2Collection Load(string file)
    {
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPemFile(file);
        return authorities;
    }

    /// <summary>Why a file is of no use; <see langword="null"/> where it is.</summary>
    public static string? Refusal(string file)
    {
        try
        {
            return Load(file).Count > 0 ? null : "has no certificates in it.";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            return $"cannot be read: {e.Message}";
        }
    }
}
