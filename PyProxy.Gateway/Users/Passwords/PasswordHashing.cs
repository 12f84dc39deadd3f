namespace PyProxy.Gateway.Users.Passwords;

/// <summary>How new hashes are made, and which kept ones are weaker than that.</summary>
internal static class PasswordHashing
{
    public static PasswordHash Hash(string password, PasswordHashingOptions options) => options.Algorithm == PasswordAlgorithm.Argon2id
        ? Argon2idHash.Create(password, options.MemoryKiB, options.Passes)
        : Pbkdf2Hash.Create(password, options.Iterations);

    /// <summary>
    /// Whether a login should replace it. Never in the other direction: lowering a cost, or leaving Argon2id, makes no kept hash weaker.
    /// </summary>
    public static bool IsWeaker(PasswordHash kept, PasswordHashingOptions options) => kept switch
    {
        KeyedHash => false,
        Argon2idHash argon2 => options.Algorithm == PasswordAlgorithm.Argon2id
            && ((long)argon2.MemoryKiB * argon2.Passes < (long)options.MemoryKiB * options.Passes || argon2.MemoryKiB < options.MemoryKiB),
        Pbkdf2Hash pbkdf2 => options.Algorithm == PasswordAlgorithm.Argon2id || pbkdf2.Iterations < options.Iterations || !pbkdf2.IsSha512,
        _ => true,
    };
}
