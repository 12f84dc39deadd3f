using System.Net;
using Microsoft.Extensions.Options;
using PyProxy.Gateway.State.Database;
using PyProxy.Gateway.Traffic;
using PyProxy.Gateway.Users.Passwords;
using PyProxy.Gateway.Users.Stores;
using static PyProxy.Gateway.Users.VerifiedCredentialCache;

namespace PyProxy.Gateway.Users;

/// <summary>
/// Verifies credentials against the configured stores and remembers for a short time which were right. While a store is away, those who were
/// verified a short while ago stay, and nobody else gets in.
/// </summary>
internal sealed class CredentialVerifier : ICredentialVerifier, IUserLookup, IDisposable
{
    // What an unknown name is verified against, so that it takes as long as a known one.
    private static readonly PasswordHash Nobody = PasswordHash.Create(Guid.NewGuid().ToString());

    private readonly UserStores _stores;
    private readonly IDisposable _subscription;
    private readonly PasswordThreads _threads;
    private readonly VerifiedCredentialCache _verified;
    private readonly IOptionsMonitor<UsersOptions> _options;

    public CredentialVerifier(
        UserStores stores, UserChanges changes, PasswordThreads threads, VerifiedCredentialCache verified, IOptionsMonitor<UsersOptions> options)
    {
        _stores = stores;
        _threads = threads;
        _verified = verified;
        _options = options;
        _subscription = changes.Subscribe(_verified.Forget);
    }

    /// <inheritdoc/>
    public string Realm => _options.CurrentValue.Realm;

    /// <inheritdoc/>
    public ValueTask<KnownUser?> VerifyAsync(string userName, string password, IPAddress? clientAddress, CancellationToken cancellationToken)
        => VerifyPasswordAsync(userName, password, cancellationToken);

    /// <inheritdoc/>
    public KnownUser? FindVerified(ReadOnlySpan<byte> userName, ReadOnlySpan<byte> password)
        => Remembered(DigestOf(CredentialKind.Password, userName, password));

    /// <inheritdoc/>
    public ValueTask<KnownUser?> VerifyPasswordAsync(string userName, string password, CancellationToken cancellationToken)
    {
        var digest = DigestOf(CredentialKind.Password, userName, password);
        return Remembered(digest) is { } user
            ? ValueTask.FromResult<KnownUser?>(user)
            : new ValueTask<KnownUser?>(VerifyAgainstStoresAsync(digest, userName, password, cancellationToken));
    }

    /// <inheritdoc/>
    public ValueTask<KnownUser?> FindAsync(string userName, CancellationToken cancellationToken)
    {
        var digest = DigestOf(CredentialKind.Name, userName, secret: "");
        return Remembered(digest) is { } user
            ? ValueTask.FromResult<KnownUser?>(user)
            : new ValueTask<KnownUser?>(LookUpAsync());

        async Task<KnownUser?> LookUpAsync()
        {
            var before = _verified.Changes;
            try
            {
                var (found, _) = await _stores.FindAsync(userName, cancellationToken);
                return found is { Disabled: false } ? Remember(digest, found.Account, before) : null;
            }
            catch (DatabaseUnavailableException e)
            {
                return DuringOutage(digest, e);
            }
        }
    }

    /// <inheritdoc/>
    public ValueTask<KnownUser?> FindByApiKeyAsync(string key, CancellationToken cancellationToken)
    {
        if (GeneratedCredential.IdOf(key) is not { } id)
        {
            return ValueTask.FromResult<KnownUser?>(null);
        }

        var digest = DigestOf(CredentialKind.ApiKey, userName: "", key);
        return Remembered(digest) is { } user
            ? ValueTask.FromResult<KnownUser?>(user)
            : new ValueTask<KnownUser?>(LookUpAsync());

        async Task<KnownUser?> LookUpAsync()
        {
            var before = _verified.Changes;
            try
            {
                var found = await _stores.FindApiKeyAsync(id, cancellationToken);
                return found is { User.Disabled: false } && found.Hash.Verify(key) ? Remember(digest, found.User.Account, before) : null;
            }
            catch (DatabaseUnavailableException e)
            {
                return DuringOutage(digest, e);
            }
        }
    }

    public void Dispose() => _subscription.Dispose();

    private async Task<KnownUser?> VerifyAgainstStoresAsync(Digest digest, string userName, string password, CancellationToken cancellationToken)
    {
        var before = _verified.Changes;
        StoredUser? user;
        try
        {
            (user, _) = await _stores.FindAsync(userName, cancellationToken);
        }
        catch (DatabaseUnavailableException e)
        {
            return DuringOutage(digest, e);
        }

        var hash = user is { Disabled: false } ? user.Hash : null;
        if (hash is { IsFast: true })
        {
            if (hash.Verify(password))
            {
                return Remember(digest, user!.Account, before);
            }

            hash = null; // a wrong password takes as long as everybody else's
        }

        // A client opens several connections at once; one of them may meanwhile have done the work for all.
        var right = await _threads.RunAsync(
            () => hash is not null && Remembered(digest) is not null ? true : (hash ?? Nobody).Verify(password) && hash is not null, cancellationToken);
        return right ? Remember(digest, user!.Account, before) : null;
    }

    private KnownUser? Remembered(in Digest digest) => _verified.Find(digest, _options.CurrentValue.CredentialCacheDuration);

    private KnownUser Remember(in Digest digest, KnownUser user, long before)
    {
        var options = _options.CurrentValue;
        _verified.Remember(digest, user, before, options.CredentialCacheDuration > options.OutageGrace ? options.CredentialCacheDuration : options.OutageGrace);
        return user;
    }

    private KnownUser DuringOutage(in Digest digest, DatabaseUnavailableException outage)
        => _verified.Find(digest, _options.CurrentValue.OutageGrace) ?? throw new ProxyException(
            new ProxyError(StatusCodes.Status503ServiceUnavailable, "proxy_internal_error", Fault.Gateway, "Credentials cannot be verified at the moment.")
            {
                RetryAfter = TimeSpan.FromSeconds(5),
            },
            outage);
}
