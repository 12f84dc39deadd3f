using System.Security.Cryptography.X509Certificates;

namespace PyProxy.Gateway.Listeners.Endpoints;

/// <summary>
/// When the certificates expire that an endpoint has for names (<c>Sni</c>). Kestrel reads the same files and keeps them to itself, so they are read
/// once more; certificates of the machine's stores are not looked at.
/// </summary>
internal static class SniCertificates
{
    public static IEnumerable<(string Name, DateTimeOffset Expiry)> Expiries(IConfigurationSection endpoint, string contentRoot)
    {
        foreach (var name in endpoint.GetSection("Sni").GetChildren())
        {
            var source = name.GetSection("Certificate");
            if (source["Path"] is { Length: > 0 } file)
            {
                using var certificate = Read(Path.Combine(contentRoot, file), source);
                yield return (name.Key, new DateTimeOffset(certificate.NotAfter)); // local time, as the class has it
            }
        }
    }

    // As Kestrel tells them apart: PEM has its key in a file of its own.
    private static X509Certificate2 Read(string file, IConfigurationSection source)
        => source["KeyPath"] is { Length: > 0 }
            ? X509CertificateLoader.LoadCertificateFromFile(file)
            : X509CertificateLoader.LoadPkcs12FromFile(file, source["Password"], X509KeyStorageFlags.EphemeralKeySet);
}
