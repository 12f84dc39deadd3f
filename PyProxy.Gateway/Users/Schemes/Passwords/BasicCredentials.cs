using System.Buffers.Text;
using System.Text;
using System.Text.Unicode;

namespace PyProxy.Gateway.Users.Schemes.Passwords;

/// <summary>Credentials of the Basic scheme (RFC 7617), in UTF-8 as our challenge asks for.</summary>
internal readonly record struct BasicCredentials(string UserName, string Password)
{
    /// <summary>What the buffer for <see cref="TryDecode"/> has to hold: a name of 128 characters and a password of some 2,900 bytes; nobody's is longer.</summary>
    public const int MaxDecodedLength = 3072;

    private const string Scheme = AuthorizationField.Basic + " ";

    public static bool TryParse(ReadOnlySpan<char> value, out BasicCredentials credentials)
    {
        Span<byte> buffer = stackalloc byte[MaxDecodedLength];
        if (!TryDecode(value, buffer, out var name, out var password))
        {
            credentials = default;
            return false;
        }

        credentials = new BasicCredentials(Encoding.UTF8.GetString(name), Encoding.UTF8.GetString(password));
        return true;
    }

    /// <summary>Name and password as UTF-8, in <paramref name="buffer"/>.</summary>
    public static bool TryDecode(ReadOnlySpan<char> value, Span<byte> buffer, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> password)
    {
        name = default;
        password = default;
        if (!value.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        var encoded = value[Scheme.Length..].Trim(' ');
        if (!Base64.IsValid(encoded, out var length) || length > MaxDecodedLength || !Convert.TryFromBase64Chars(encoded, buffer, out length))
        {
            return false;
        }

        var decoded = buffer[..length];
        var colon = decoded.IndexOf((byte)':');
        if (colon <= 0 || !Utf8.IsValid(decoded) || decoded.ContainsAnyInRange((byte)0, (byte)0x1F) || decoded.Contains((byte)0x7F))
        {
            return false; // RFC 7617 §2: neither part holds control characters; only the first colon separates
        }

        name = decoded[..colon];
        password = decoded[(colon + 1)..];
        return true;
    }
}
