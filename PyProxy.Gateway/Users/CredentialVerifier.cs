using System.Data.Common;
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
internal sealed partial class CredentialVerifier : ICredentialVerifier, IUserLookup, IDisposable
{
    private readonly Decoy _decoy = new();
    private readonly UserStores _stores;
    private readonly IDisposable _subscription;
    private readonly PasswordThreads _threads;
    private readonly VerifiedCredentialCache _verified;
    private readonly IOptionsMonitor<UsersOptions> _options;
    private readonly UserStoreMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger<CredentialVerifier> _logger;

    public CredentialVerifier(
        UserStores stores,
        UserChanges changes,
        PasswordThreads threads,
        VerifiedCredentialCache verified,
        IOptionsMonitor<UsersOptions> options,
        UserStoreMetrics metrics,
        TimeProvider time,
        ILogger<CredentialVerifier> logger)
    {
        _stores = stores;
        _threads = threads;
        _verified = verified;
        _options = options;
        _metrics = metrics;
        _time = time;
        _logger = logger;
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
    public KnownUser? FindVerifiedApiKey(string key) => Remembered(DigestOf(CredentialKind.ApiKey, userName: "", key));

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
        // 1. What is kept of the user. Counted changes come first: what is found before a change is not remembered after it.
        var before = _verified.Changes;
        StoredUser? user;
        IUserStore? store;
        try
        {
            (user, store) = await _stores.FindAsync(userName, cancellationToken);
        }
        catch (DatabaseUnavailableException e)
        {
            return DuringOutage(digest, e);
        }

        // 2. Generated credentials at once; a wrong one goes on and takes as long as everybody else's.
        var hash = user is { Disabled: false } ? user.Hash : null;
        if (hash is { IsFast: true })
        {
            if (hash.Verify(password))
            {
                return Remember(digest, user!.Account, before);
            }

            hash = null;
        }

        // 3. Chosen ones in their turn, and in place of none a borrowed one, which is not right whatever it says. Somebody else's login with the same may meanwhile have done the work.
        var started = _time.GetTimestamp();
        var isBorrowed = hash is null;
        hash ??= _stores.Borrow(userName);
        var right = await _threads.RunAsync(() => (!isBorrowed && Remembered(digest) is not null) || Verify(hash, isBorrowed, password), cancellationToken);
        _metrics.Verified(_time.GetElapsedTime(started), right);
        if (!right)
        {
            return null;
        }

        // 4. The password is at hand only now.
        await UpgradeAsync(user!, store!, password, cancellationToken);
        return Remember(digest, user!.Account, before);
    }

    /// <summary>Takes as long for no hash at all, and for one of the forms that cost nothing, as for one as they are made today.</summary>
    private bool Verify(PasswordHash? hash, bool isBorrowed, string password)
    {
        if (hash?.Verify(password) == true && !isBorrowed)
        {
            return true;
        }

        if (hash is null or Sha1Hash or Apr1Hash)
        {
            _decoy.Verify(password, _options.CurrentValue.PasswordHashing);
        }

        return false;
    }

    private async ValueTask UpgradeAsync(StoredUser user, IUserStore store, string password, CancellationToken cancellationToken)
    {
        var hashing = _options.CurrentValue.PasswordHashing;
        if (!store.CanUpgrade || !PasswordHashing.IsWeaker(user.Hash!, hashing))
        {
            return;
        }

        try
        {
            await store.UpgradeAsync(user, await _threads.RunAsync(() => PasswordHashing.Hash(password, hashing), cancellationToken), cancellationToken);
            _metrics.Upgraded();
        }
        catch (Exception e) when (e is DatabaseUnavailableException or DbException or ProxyException)
        {
            NotUpgraded(_logger, user.Account.Name, e); // the login was right; the next one tries again
        }
    }

    private KnownUser? Remembered(in Digest digest) => _verified.Find(digest, _options.CurrentValue.CredentialCacheDuration);

    private KnownUser Remember(in Digest digest, KnownUser user, long before)
    {
        var options = _options.CurrentValue;
        _verified.Remember(digest, user, before, options.CredentialCacheDuration > options.OutageGrace ? options.CredentialCacheDuration : options.OutageGrace);
        return user;
    }

    private KnownUser DuringOutage(in Digest digest, DatabaseUnavailableException outage)
    {
        var user = _verified.Find(digest, _options.CurrentValue.OutageGrace);
        _metrics.DuringOutage(kept: user is not null);
        return user ?? throw new ProxyException(
            new ProxyError(StatusCodes.Status503ServiceUnavailable, "proxy_internal_error", Fault.Gateway, "Credentials cannot be verified at the moment.")
            {
                RetryAfter = TimeSpan.FromSeconds(5),
            },
            outage);
    }

    [LoggerMessage(1, LogLevel.Warning, "The password hash of {User} could not be upgraded")]
    private static partial void NotUpgraded(ILogger logger, string user, Exception exception);
}
