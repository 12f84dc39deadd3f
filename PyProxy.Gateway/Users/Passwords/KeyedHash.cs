using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace PyProxy.Gateway.Users.Passwords;

/// <summary>
/// A generated credential under HMAC-SHA256: <c>$hmac-sha256$KEY$DIGEST</c>, both in base64 without padding. Each has a random key of its own,
/// kept beside it: what protects these credentials is that they have 128 bits and more, not that the key is somewhere else. So there is no key
/// to distribute to replicas, to back up, or to lose together with every credential, and a hash may move between stores.
/// </summary>
internal sealed class KeyedHash : PasswordHash
{
    private const string Prefix = "$hmac-sha256$";
    private const int KeyLength = 16;

    private readonly byte[] _key;
    private readonly byte[] _digest;

    private KeyedHash(byte[] key, byte[] digest)
    {
        _key = key;
        _digest = digest;
    }

    public override string Kind => "generated";

    public override bool IsFast => true;

    /// <param name="secret">Generated: at least 128 bits that nobody chose.</param>
    public static KeyedHash CreateGenerated(string secret)
    {
        var key = RandomNumberGenerator.GetBytes(KeyLength);
        return new KeyedHash(key, HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(secret)));
    }

    public static bool TryParse(ReadOnlySpan<char> text, [NotNullWhen(true)] out KeyedHash? hash)
    {
        hash = null;
        if (!text.StartsWith(Prefix, StringComparison.Ordinal))
        {
            return false;
        }

        text = text[Prefix.Length..];
        var dollar = text.IndexOf('$');
        if (dollar < 0
            || PhcBase64.Decode(text[..dollar]) is not { Length: KeyLength } key
            || PhcBase64.Decode(text[(dollar + 1)..]) is not { Length: HMACSHA256.HashSizeInBytes } digest)
        {
            return false;
        }

        hash = new KeyedHash(key, digest);
        return true;
    }

    /// <inheritdoc/>
    public override bool Verify(string password)
    {
        var length = Encoding.UTF8.GetMaxByteCount(password.Length);
        var bytes = length <= 512 ? stackalloc byte[512] : new byte[length];
        bytes = bytes[..Encoding.UTF8.GetBytes(password, bytes)];
        Span<byte> candidate = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(_key, bytes, candidate);
        CryptographicOperations.ZeroMemory(bytes);
        return CryptographicOperations.FixedTimeEquals(candidate, _digest);
    }

    public override string ToString() => $"{Prefix}{PhcBase64.Encode(_key)}${PhcBase64.Encode(_digest)}";
}
