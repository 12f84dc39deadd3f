namespace PyProxy.Gateway.Users.Passwords;

/// <summary>
/// What the password of an unknown name is verified against, so that it takes as long as a known one's: a hash of nobody's password, made as the
/// configuration says that hashes are made.
/// </summary>
internal sealed class Decoy
{
    private volatile Made? _current;

    /// <summary>Is never right. Makes its hash first where the configuration has changed, which takes twice as long once.</summary>
    public void Verify(string password, PasswordHashingOptions options)
    {
        var current = _current;
        if (current is null || !IsSame(current.Options, options))
        {
            _current = current = new Made(PasswordHashing.Hash(GeneratedCredential.NewPassword(), options), options);
        }

        _ = current.Hash.Verify(password);
    }

    private static bool IsSame(PasswordHashingOptions a, PasswordHashingOptions b)
        => a.Algorithm == b.Algorithm && a.Iterations == b.Iterations && a.MemoryKiB == b.MemoryKiB && a.Passes == b.Passes;

    private sealed record Made(PasswordHash Hash, PasswordHashingOptions Options);
}
