using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Org.BouncyCastle.Crypto.Generators;

namespace PyProxy.Gateway.Users.Passwords;

/// <summary>bcrypt as <c>htpasswd -B</c> writes it (<c>$2y$</c>), and its other spellings <c>$2a$</c> and <c>$2b$</c>.</summary>
internal sealed class BcryptHash : PasswordHash
{
    private const int Length = 60;
    private const int MaxCost = 16; // ~4 s of a processor; each further step doubles it

    private readonly string _text;

    private BcryptHash(string text) => _text = text;

    public override string Kind => "bcrypt";

    public static bool TryParse(ReadOnlySpan<char> text, [NotNullWhen(true)] out BcryptHash? hash)
    {
        hash = null;
        if (text.Length != Length
            || !text.StartsWith("$2", StringComparison.Ordinal)
            || text[2] is not ('a' or 'b' or 'y')
            || text[3] != '$'
            || text[6] != '$'
            || !int.TryParse(text[4..6], NumberStyles.None, CultureInfo.InvariantCulture, out var cost)
            || cost is < 4 or > MaxCost
            || text[7..].ContainsAnyExcept(CryptBase64.Bcrypt))
        {
            return false;
        }

        hash = new BcryptHash(text.ToString());
        return true;
    }

    /// <inheritdoc/>
    public override bool Verify(string password)
        => password.Length > 0 && OpenBsdBCrypt.CheckPassword(_text, password.ToCharArray());

    public override string ToString() => _text;
}
