using System.Buffers;

namespace PyProxy.Gateway.Users.Passwords;

/// <summary>The alphabets of <c>crypt(3)</c>.</summary>
internal static class CryptBase64
{
    public const string Alphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    /// <summary>bcrypt orders the same characters otherwise.</summary>
    public static readonly SearchValues<char> Bcrypt = SearchValues.Create(Alphabet);

    /// <summary>Appends the low bits of a number, six at a time, lowest first.</summary>
    public static void Append(Span<char> target, ref int position, int bits, int characters)
    {
        for (; characters > 0; characters--, bits >>= 6)
        {
            target[position++] = Alphabet[bits & 0x3F];
        }
    }
}
