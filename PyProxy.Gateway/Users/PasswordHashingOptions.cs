using System.ComponentModel;
using PyProxy.Gateway.Users.Passwords;

namespace PyProxy.Gateway.Users;

internal enum PasswordAlgorithm
{
    /// <summary>PBKDF2 with HMAC-SHA512.</summary>
    Pbkdf2 = 0,

    /// <summary>Argon2id, which also costs whoever guesses memory.</summary>
    Argon2id,
}

/// <summary>How new password hashes are made; a weaker one in the database is replaced at its user's next login.</summary>
internal sealed class PasswordHashingOptions
{
    [Description("Pbkdf2 or Argon2id. Argon2id withstands guessing on graphics cards better and takes MemoryKiB per verification. Default: Pbkdf2.")]
    public PasswordAlgorithm Algorithm { get; init; }

    [Description("Iterations of PBKDF2-HMAC-SHA512: 10000 to 10000000. Default: 100000.")]
    public int Iterations { get; init; } = Pbkdf2Hash.DefaultIterations;

    [Description("Memory of Argon2id in KiB: 8192 to 1048576. Default: 19456.")]
    public int MemoryKiB { get; init; } = Argon2idHash.DefaultMemoryKiB;

    [Description("Passes of Argon2id over its memory: 1 to 100. Default: 2.")]
    public int Passes { get; init; } = Argon2idHash.DefaultPasses;
}
