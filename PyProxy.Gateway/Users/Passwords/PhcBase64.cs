namespace PyProxy.Gateway.Users.Passwords;

/// <summary>Base64 as the PHC string format has it: the usual alphabet without padding.</summary>
internal static class PhcBase64
{
    private const int MaxLength = 256; // no salt, key or digest of ours comes near

    public static string Encode(ReadOnlySpan<byte> bytes) => Convert.ToBase64String(bytes).TrimEnd('=');

    /// <returns><see langword="null"/> for what is not base64.</returns>
    public static byte[]? Decode(ReadOnlySpan<char> text)
    {
        if (text.Length > MaxLength || text.Contains('='))
        {
            return null;
        }

        Span<char> padded = stackalloc char[text.Length + 3];
        text.CopyTo(padded);
        var length = (text.Length + 3) / 4 * 4;
        padded[text.Length..length].Fill('=');
        Span<byte> bytes = stackalloc byte[MaxLength];
        return Convert.TryFromBase64Chars(padded[..length], bytes, out var written) ? bytes[..written].ToArray() : null;
    }
}
