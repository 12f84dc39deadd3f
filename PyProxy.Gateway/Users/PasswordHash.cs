using System.Diagnostics.CodeAnalysis;
using PyProxy.Gateway.Users.Passwords;

namespace PyProxy.Gateway.Users;

/// <summary>
/// What is kept of a password, whichever way it was hashed. Parameters stand beside the hash, so hashes of different forms and strengths live
/// side by side.
/// </summary>
internal abstract class PasswordHash
{
    /// <summary>The form's name, for people.</summary>
    public abstract string Kind { get; }

    /// <summary>
    /// True where verifying costs microseconds: only for credentials that were generated with at least 128 bits, which nobody guesses however
    /// fast the guessing is. All others cost tens of milliseconds of a processor, on purpose.
    /// </summary>
    public virtual bool IsFast => false;

    /// <summary>Hashes a password with a salt of its own, in the default form.</summary>
    public static PasswordHash Create(string password) => Pbkdf2Hash.Create(password, Pbkdf2Hash.DefaultIterations);

    /// <summary>Reads the forms that withstand guessing: what a configuration may hold.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out PasswordHash? hash)
    {
        hash = Pbkdf2Hash.TryParse(text, out var pbkdf2) ? pbkdf2
            : Argon2idHash.TryParse(text, out var argon2) ? argon2
            : KeyedHash.TryParse(text, out var keyed) ? keyed
            : BcryptHash.TryParse(text, out var bcrypt) ? bcrypt
            : null;
        return hash is not null;
    }

    /// <summary>Reads the weak forms of old <c>htpasswd</c> files too. Databases may hold them: the next login replaces them.</summary>
    public static bool TryParseAny(string text, [NotNullWhen(true)] out PasswordHash? hash)
    {
        if (!TryParse(text, out hash))
        {
            hash = Apr1Hash.TryParse(text, out var apr1) ? apr1
                : Sha1Hash.TryParse(text, out var sha1) ? sha1
                : null;
        }

        return hash is not null;
    }

    /// <summary>Compares in constant time.</summary>
    public abstract bool Verify(string password);

    /// <summary>The encoded form, which <see cref="TryParseAny"/> reads.</summary>
    public abstract override string ToString();
}
