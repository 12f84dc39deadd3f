using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace PyProxy.Gateway.Admin.Api;

/// <summary>
/// A bearer token of the admin API. It is 256 random bits, so one round of SHA-256 is enough to keep it: nobody guesses it as one guesses a
/// password, and a slow hash would hand strangers a way to keep the processor busy.
/// </summary>
internal static class AdminToken
{
    /// <summary>So that scanners for leaked secrets, and people, can tell what it is.</summary>
    public const string Prefix = "pyproxy_admin_";

    public const string HashPrefix = "sha256:";

    /// <summary>Longer than any token of ours: more is refused unhashed.</summary>
    private const int MaxLength = 256;

    public static string Create() => Prefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    public static (string Token, string Hash) CreateWithHash()
    {
        var token = Create();
        return (token, HashOf(token));
    }

    /// <summary>What belongs into the configuration.</summary>
    public static string HashOf(string token) => HashPrefix + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(token)));

    public static bool TryHash(ReadOnlySpan<char> token, Span<byte> hash)
    {
        Span<byte> utf8 = stackalloc byte[MaxLength];
        return Encoding.UTF8.TryGetBytes(token, utf8, out var length) && length > 0 && SHA256.TryHashData(utf8[..length], hash, out _);
    }

    public static bool TryParseHash(string text, [NotNullWhen(true)] out byte[]? hash)
    {
        hash = new byte[SHA256.HashSizeInBytes];
        if (text.StartsWith(HashPrefix, StringComparison.OrdinalIgnoreCase)
            && text.Length == HashPrefix.Length + (2 * hash.Length)
            && Convert.FromHexString(text.AsSpan(HashPrefix.Length), hash, out _, out _) == System.Buffers.OperationStatus.Done)
        {
            return true;
        }

        hash = null;
        return false;
    }
}
