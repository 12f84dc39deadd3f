using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace PyProxy.Gateway.Users.Passwords;

/// <summary><c>{SHA}</c> of <c>htpasswd -s</c>: SHA-1 without salt. Accepted from files that exist and never made.</summary>
internal sealed class Sha1Hash : PasswordHash
{
    private const string Prefix = "{SHA}";

    private readonly byte[] _digest;

    private Sha1Hash(byte[] digest) => _digest = digest;

    public override string Kind => "SHA-1";

    public static bool TryParse(ReadOnlySpan<char> text, [NotNullWhen(true)] out Sha1Hash? hash)
    {
        hash = text.StartsWith(Prefix, StringComparison.Ordinal)
            && PhcBase64.Decode(text[Prefix.Length..].TrimEnd('=')) is { Length: SHA1.HashSizeInBytes } digest
                ? new Sha1Hash(digest)
                : null;
        return hash is not null;
    }

    /// <inheritdoc/>
#pragma warning disable CA5350 // SHA-1 is what the form is made of; see above
    public override bool Verify(string password)
        => CryptographicOperations.FixedTimeEquals(SHA1.HashData(Encoding.UTF8.GetBytes(password)), _digest);
#pragma warning restore CA5350

    public override string ToString() => Prefix + Convert.ToBase64String(_digest);
}
