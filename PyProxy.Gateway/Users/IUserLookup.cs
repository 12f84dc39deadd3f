using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Users;

/// <summary>
/// What the ways to prove who one is ask of wherever users live. Every answer about a user whom somebody asked for a short while ago completes
/// synchronously: these are asked for each request.
/// </summary>
internal interface IUserLookup
{
    /// <summary>Named by challenges.</summary>
    string Realm { get; }

    /// <summary>The user of that name; <see langword="null"/> where there is none or where it is disabled.</summary>
    /// <exception cref="ProxyException">A store is away, and the user was not seen a short while ago.</exception>
    ValueTask<KnownUser?> FindAsync(string userName, CancellationToken cancellationToken);

    /// <summary>The user whose key it is; <see langword="null"/> for no known key and for a disabled user's. Costs microseconds for right and wrong keys.</summary>
    /// <exception cref="ProxyException">A store is away, and the key was not seen a short while ago.</exception>
    ValueTask<KnownUser?> FindByApiKeyAsync(string key, CancellationToken cancellationToken);

    /// <summary>
    /// The user of a name and a password that were verified a short while ago; <see langword="null"/> where they have to be verified. Takes
    /// UTF-8, so that a request of a verified user makes no strings of its credentials.
    /// </summary>
    KnownUser? FindVerified(ReadOnlySpan<byte> userName, ReadOnlySpan<byte> password);

    /// <summary>The same for an API key.</summary>
    KnownUser? FindVerifiedApiKey(string key);

    /// <summary>The user, or <see langword="null"/> where name or password are not right. Takes as long for unknown names as for known ones.</summary>
    /// <exception cref="ProxyException">More verifications are waiting than will be done in a time that a client waits, or a store is away.</exception>
    ValueTask<KnownUser?> VerifyPasswordAsync(string userName, string password, CancellationToken cancellationToken);
}
