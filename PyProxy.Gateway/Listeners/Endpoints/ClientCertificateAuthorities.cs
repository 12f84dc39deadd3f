using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace PyProxy.Gateway.Listeners.Endpoints;

/// <summary>Judges client certificates by the configured authorities alone.</summary>
internal sealed class ClientCertificateAuthorities(X509Certificate2Collection authorities)
{
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2"; // id-kp-clientAuth, RFC 5280 §4.2.1.12

    public static ClientCertificateAuthorities FromFiles(IEnumerable<string> files)
    {
        var all = new X509Certificate2Collection();
        foreach (var file in files)
        {
            all.AddRange(Load(file));
        }

        return new ClientCertificateAuthorities(all);
    }

    public static X509Certificate2Collection Load(string file)
    {
        var certificates = new X509Certificate2Collection();
        certificates.ImportFromPemFile(file);
        return certificates;
    }

    /// <summary>In the form of Kestrel's <c>ClientCertificateValidation</c>.</summary>
    /// <param name="certificate">The client's.</param>
    /// <param name="presented">What the client sent with it: may hold intermediate certificates.</param>
    /// <param name="errors">By the machine's own trust store, which has no say here.</param>
    public bool Validate(X509Certificate2 certificate, X509Chain? presented, SslPolicyErrors errors)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        chain.ChainPolicy.ApplicationPolicy.Add(new(ClientAuthentication));

        // Where to look for issuers and revocation lists stands in the certificate: a stranger would have the gateway fetch any URL.
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        if (presented is not null)
        {
            chain.ChainPolicy.ExtraStore.AddRange(presented.ChainPolicy.ExtraStore);
        }

        return chain.Build(certificate);
    }
}
