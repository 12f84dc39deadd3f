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

    /// <summary>Reads the forms that a configuration and the database may hold.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out PasswordHash? hash)
    {
        hash = null;
        if (Pbkdf2Hash.TryParse(text, out var pbkdf2))
        {
            hash = pbkdf2;
        }
        else if (KeyedHash.TryParse(text, out var keyed))
        {
            hash = keyed;
        }

        return hash is not null;
    }

    /// <summary>Compares in constant time.</summary>
    public abstract bool Verify(string password);

    /// <summary>The encoded form, which <see cref="TryParse"/> reads.</summary>
    public abstract override string ToString();
}
