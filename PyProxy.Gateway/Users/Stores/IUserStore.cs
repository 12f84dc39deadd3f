using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Users.Stores;

/// <summary>A place where users live. Stores are asked in the order of <c>Gateway:Users:Stores</c>; the first that knows a name decides.</summary>
internal interface IUserStore
{
    /// <summary>As <c>Gateway:Users:Stores</c> calls it.</summary>
    string Name { get; }

    /// <summary>Disabled users are found too: a later store must not let in whom an earlier one disabled.</summary>
    /// <exception cref="State.Database.DatabaseUnavailableException">The store cannot be asked now.</exception>
    ValueTask<StoredUser?> FindAsync(string userName, CancellationToken cancellationToken);

    /// <param name="keyId">The key's public half.</param>
    /// <param name="cancellationToken">Of whoever waits.</param>
    /// <exception cref="State.Database.DatabaseUnavailableException">The store cannot be asked now.</exception>
    ValueTask<StoredApiKey?> FindApiKeyAsync(string keyId, CancellationToken cancellationToken);

    /// <summary>
    /// Hashes of chosen passwords, where they are at hand: an unknown name borrows one of them, so that refusing it costs what refusing a known one
    /// of this store costs.
    /// </summary>
    IReadOnlyList<PasswordHash> ChosenPasswords => [];

    /// <summary>Whether <see cref="UpgradeAsync"/> does anything.</summary>
    bool CanUpgrade => false;

    /// <summary>Puts a stronger hash of the same password in place of a weaker one; nothing where the hash changed meanwhile.</summary>
    ValueTask UpgradeAsync(StoredUser user, PasswordHash stronger, CancellationToken cancellationToken) => ValueTask.CompletedTask;
}

/// <param name="Account">Who it is; shared by all requests of the user.</param>
/// <param name="Hash"><see langword="null"/> where no password is right.</param>
/// <param name="Disabled">Known, but no credentials are right.</param>
internal sealed record StoredUser(KnownUser Account, PasswordHash? Hash, bool Disabled);

/// <param name="User">Whose key it is.</param>
/// <param name="Hash">Of the whole key.</param>
internal sealed record StoredApiKey(StoredUser User, PasswordHash Hash);
