using System.Buffers.Text;
using System.Text;
using System.Text.Unicode;

namespace PyProxy.Gateway.Users;

/// <summary>Credentials of the Basic scheme (RFC 7617), in UTF-8 as our challenge asks for.</summary>
internal readonly record struct BasicCredentials(string UserName, string Password)
{
    private const string Scheme = "Basic ";
    private const int MaxEncodedLength = 4096; // a name of 128 characters and a password of some 2,900 bytes; nobody's is longer

    /// <summary>Whether a field's value names this scheme at all.</summary>
    public static bool IsBasic(ReadOnlySpan<char> value)
        => value.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) || value.Equals("Basic", StringComparison.OrdinalIgnoreCase);

    public static bool TryParse(ReadOnlySpan<char> value, out BasicCredentials credentials)
    {
        credentials = default;
        if (!value.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        var encoded = value[Scheme.Length..].Trim(' ');
        if (encoded.Length > MaxEncodedLength || !Base64.IsValid(encoded, out var decodedLength))
        {
            return false;
        }

        Span<byte> decoded = stackalloc byte[decodedLength];
        if (!Convert.TryFromBase64Chars(encoded, decoded, out var written))
        {
            return false;
        }

        decoded = decoded[..written];
        var colon = decoded.IndexOf((byte)':');
        if (colon <= 0 || !Utf8.IsValid(decoded) || decoded.ContainsAnyInRange((byte)0, (byte)0x1F) || decoded.Contains((byte)0x7F))
        {
            return false; // RFC 7617 §2: neither part holds control characters; only the first colon separates
        }

        credentials = new BasicCredentials(Encoding.UTF8.GetString(decoded[..colon]), Encoding.UTF8.GetString(decoded[(colon + 1)..]));
        return true;
    }
}
