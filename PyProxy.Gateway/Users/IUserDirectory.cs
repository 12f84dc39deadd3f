using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Users;

/// <summary>
/// Finds users for schemes that prove by other means than a password who asks. Asks the configured stores in their order and remembers the
/// answer as long as verified credentials are remembered; a change of the user drops it at once.
/// </summary>
internal interface IUserDirectory
{
    /// <summary>
    /// The user of that name, or <see langword="null"/> where there is none or it is disabled. The caller has proof (a client certificate, a
    /// token, an address) that the name is the client's.
    /// </summary>
    /// <exception cref="ProxyException">A store is away, and the user was not seen a short while ago.</exception>
    ValueTask<KnownUser?> FindAsync(string userName, CancellationToken cancellationToken);

    /// <summary>The user whose API key it is, or <see langword="null"/>. Costs microseconds for right and wrong keys.</summary>
    /// <exception cref="ProxyException">A store is away, and the key was not seen a short while ago.</exception>
    ValueTask<KnownUser?> FindByApiKeyAsync(string apiKey, CancellationToken cancellationToken);
}
