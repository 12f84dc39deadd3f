using System.Buffers;
using System.Security.Cryptography;

namespace PyProxy.Gateway.Users.Passwords;

/// <summary>Credentials that the gateway makes: passwords, and API keys, whose public half finds the user.</summary>
internal static class GeneratedCredential
{
    /// <summary>What a text has to have to pass for generated: 22 characters of this alphabet are 131 bits.</summary>
    public const int MinLength = 22;

    private const string Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    private const string IdLetters = "abcdefghijklmnopqrstuvwxyz234567";
    private const string KeyPrefix = "pxk_";
    private const int IdLength = 10;
    private const int SecretLength = 27; // 160 bits

    private static readonly SearchValues<char> IdCharacters = SearchValues.Create(IdLetters);

    public static string NewPassword() => RandomNumberGenerator.GetString(Letters, SecretLength);

    /// <summary><c>pxk_ID_SECRET</c>: the prefix lets scanners for leaked secrets find it, the id may stand in logs and lists.</summary>
    public static (string Id, string Key) NewApiKey()
    {
        var id = RandomNumberGenerator.GetString(IdLetters, IdLength);
        return (id, $"{KeyPrefix}{id}_{RandomNumberGenerator.GetString(Letters, SecretLength)}");
    }

    /// <summary>The public half of an API key.</summary>
    /// <returns><see langword="null"/> for what has not the form of one.</returns>
    public static string? IdOf(ReadOnlySpan<char> apiKey)
        => apiKey.Length == KeyPrefix.Length + IdLength + 1 + SecretLength
            && apiKey.StartsWith(KeyPrefix, StringComparison.Ordinal)
            && apiKey[KeyPrefix.Length + IdLength] == '_'
            && IsId(apiKey.Slice(KeyPrefix.Length, IdLength))
                ? apiKey.Slice(KeyPrefix.Length, IdLength).ToString()
                : null;

    /// <summary>Whether a text has the form of an API key's public half.</summary>
    public static bool IsId(ReadOnlySpan<char> text) => text.Length == IdLength && !text.ContainsAnyExcept(IdCharacters);
}
