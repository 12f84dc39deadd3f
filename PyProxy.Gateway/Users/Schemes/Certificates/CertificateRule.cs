using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace PyProxy.Gateway.Users.Schemes.Certificates;

/// <summary>Says of a client's certificate, which TLS has found good, whether it is a certain user's.</summary>
internal sealed class CertificateRule
{
    private readonly byte[]? _thumbprint;
    private readonly string? _subject;
    private readonly SubjectName? _name;

    private CertificateRule(string user, byte[]? thumbprint, string? subject, SubjectName? name)
    {
        User = user;
        _thumbprint = thumbprint;
        _subject = subject;
        _name = name;
    }

    public string User { get; }

    public static bool TryCreate(ClientCertificateOptions options, [NotNullWhen(true)] out CertificateRule? rule, out string mistake)
    {
        rule = null;
        mistake = "";
        if (options.Thumbprint is { Length: > 0 } thumbprint)
        {
            var bytes = new byte[SHA256.HashSizeInBytes];
            var digits = thumbprint.Replace(":", "", StringComparison.Ordinal);
            if (Convert.FromHexString(digits, bytes, out _, out var length) != System.Buffers.OperationStatus.Done
                || length is not (SHA1.HashSizeInBytes or SHA256.HashSizeInBytes))
            {
                mistake = "Thumbprint has to be 40 or 64 hexadecimal digits.";
                return false;
            }

            rule = new CertificateRule(options.User, bytes[..length], null, null);
            return true;
        }

        if (options.Subject is { Length: > 0 } subject)
        {
            try
            {
                // Written by hand it has its writer's spaces and spelling of types; read from its encoding it has the form that a certificate's has.
                var encoded = new X500DistinguishedName(subject).RawData;
                rule = new CertificateRule(options.User, null, new X500DistinguishedName(encoded).Name, null);
                return true;
            }
            catch (CryptographicException)
            {
                mistake = "Subject is no distinguished name; one looks like \"CN=build, O=Example\".";
                return false;
            }
        }

        if (!SubjectName.TryParse(options.San, out var name))
        {
            mistake = "San has to begin with DNS:, email:, URI: or IP:.";
            return false;
        }

        rule = new CertificateRule(options.User, null, null, name);
        return true;
    }

    public bool Fits(X509Certificate2 certificate)
    {
        if (_thumbprint is not null)
        {
            var algorithm = _thumbprint.Length == SHA256.HashSizeInBytes ? HashAlgorithmName.SHA256 : HashAlgorithmName.SHA1;
            return certificate.GetCertHash(algorithm).AsSpan().SequenceEqual(_thumbprint);
        }

        return _subject is not null
            ? string.Equals(certificate.SubjectName.Name, _subject, StringComparison.Ordinal)
            : SubjectName.AllOf(certificate).Contains(_name!);
    }
}

/// <summary>An alternative name of a certificate's subject (RFC 5280 §4.2.1.6): of which kind, and the name.</summary>
internal sealed record SubjectName(SubjectNameKind Kind, string Value)
{
    public static bool TryParse([NotNullWhen(true)] string? text, [NotNullWhen(true)] out SubjectName? name)
    {
        name = null;
        var colon = text?.IndexOf(':', StringComparison.Ordinal) ?? -1;
        if (colon < 0 || !Enum.TryParse<SubjectNameKind>(text.AsSpan(0, colon), ignoreCase: true, out var kind) || colon == text!.Length - 1)
        {
            return false;
        }

        name = Of(kind, text[(colon + 1)..]);
        return kind != SubjectNameKind.Ip || IPAddress.TryParse(name.Value, out _);
    }

    /// <summary>The names of a certificate; none where the extension is missing or malformed.</summary>
    public static List<SubjectName> AllOf(X509Certificate2 certificate)
    {
        var names = new List<SubjectName>();
        foreach (var extension in certificate.Extensions)
        {
            if (extension.Oid?.Value == "2.5.29.17")
            {
                SubjectNameReader.Read(extension.RawData, names);
            }
        }

        return names;
    }

    /// <summary>Names of hosts do not depend on case; the others are compared to the letter.</summary>
    public static SubjectName Of(SubjectNameKind kind, string value) => new(kind, kind == SubjectNameKind.Dns ? value.ToLowerInvariant() : value);
}

internal enum SubjectNameKind
{
    Dns,
    Email,
    Uri,
    Ip,
}
