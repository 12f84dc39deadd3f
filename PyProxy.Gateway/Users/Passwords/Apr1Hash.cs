using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace PyProxy.Gateway.Users.Passwords;

/// <summary>
/// Apache's <c>$apr1$</c>: 1,000 rounds of MD5, the default of old <c>htpasswd</c>. Accepted from files that exist and never made: a graphics
/// card tries it millions of times a second.
/// </summary>
internal sealed class Apr1Hash : PasswordHash
{
    private const string Prefix = "$apr1$";
    private const int MaxSaltLength = 8;
    private const int EncodedLength = 22;
    private const int Rounds = 1000;

    private readonly string _salt;
    private readonly string _encoded;

    private Apr1Hash(string salt, string encoded)
    {
        _salt = salt;
        _encoded = encoded;
    }

    public override string Kind => "apr1";

    public static bool TryParse(ReadOnlySpan<char> text, [NotNullWhen(true)] out Apr1Hash? hash)
    {
        hash = null;
        if (!text.StartsWith(Prefix, StringComparison.Ordinal))
        {
            return false;
        }

        text = text[Prefix.Length..];
        var dollar = text.IndexOf('$');
        if (dollar is < 1 or > MaxSaltLength || text.Length - dollar - 1 != EncodedLength || text[(dollar + 1)..].ContainsAnyExcept(CryptBase64.Bcrypt))
        {
            return false;
        }

        hash = new Apr1Hash(text[..dollar].ToString(), text[(dollar + 1)..].ToString());
        return true;
    }

    /// <inheritdoc/>
    public override bool Verify(string password)
        => CryptographicOperations.FixedTimeEquals(MemoryMarshal.AsBytes(Compute(password, _salt).AsSpan()), MemoryMarshal.AsBytes(_encoded.AsSpan()));

    public override string ToString() => $"{Prefix}{_salt}${_encoded}";

#pragma warning disable CA5351 // MD5 is what the form is made of; see above
    private static string Compute(string passwordText, string saltText)
    {
        var password = Encoding.UTF8.GetBytes(passwordText);
        var salt = Encoding.UTF8.GetBytes(saltText);

        // 1. A digest of password, salt and password.
        Span<byte> digest = stackalloc byte[MD5.HashSizeInBytes];
        MD5.HashData([.. password, .. salt, .. password], digest);

        // 2. The start value: password, prefix, salt, as much of the digest as the password is long, and the quirk of the password's length in bits.
        using var md5 = IncrementalHash.CreateHash(HashAlgorithmName.MD5);
        md5.AppendData(password);
        md5.AppendData("$apr1$"u8);
        md5.AppendData(salt);
        for (var left = password.Length; left > 0; left -= digest.Length)
        {
            md5.AppendData(digest[..Math.Min(left, digest.Length)]);
        }

        for (var bits = password.Length; bits != 0; bits >>= 1)
        {
            md5.AppendData((bits & 1) != 0 ? [0] : password.AsSpan(0, 1));
        }

        md5.GetHashAndReset(digest);

        // 3. The rounds.
        for (var round = 0; round < Rounds; round++)
        {
            md5.AppendData((round & 1) != 0 ? password : digest);
            if (round % 3 != 0)
            {
                md5.AppendData(salt);
            }

            if (round % 7 != 0)
            {
                md5.AppendData(password);
            }

            md5.AppendData((round & 1) != 0 ? digest : password);
            md5.GetHashAndReset(digest);
        }

        // 4. Written in an order of its own.
        Span<char> encoded = stackalloc char[EncodedLength];
        var position = 0;
        for (var i = 0; i < 5; i++)
        {
            var third = i == 4 ? 5 : i + 12;
            CryptBase64.Append(encoded, ref position, (digest[i] << 16) | (digest[i + 6] << 8) | digest[third], 4);
        }

        CryptBase64.Append(encoded, ref position, digest[11], 2);
        return encoded.ToString();
    }
#pragma warning restore CA5351
}
