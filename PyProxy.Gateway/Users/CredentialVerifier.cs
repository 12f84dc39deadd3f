using System.Net;
using Microsoft.Extensions.Options;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Users;

/// <summary>
/// Verifies names and passwords. Stretching a password takes tens of milliseconds of a processor, so it runs in bounded concurrency with a
/// bounded queue: a flood of wrong passwords may delay other first logins, not the traffic of users who are already verified.
/// </summary>
internal sealed class CredentialVerifier : ICredentialVerifier, IUserLookup, IDisposable
{
    // At ~50 ms each on two processors the last in the queue waits about 12 s; nobody waits longer for a login.
    private const int MaxWaiting = 512;

    // What an unknown name is verified against, so that it takes as long as a known one.
    private static readonly PasswordHash Nobody = PasswordHash.Create(Guid.NewGuid().ToString());

    private readonly SemaphoreSlim _verifications = new(Environment.ProcessorCount);
    private readonly IDisposable? _subscription;
    private volatile UserDirectory _directory;
    private int _waiting;

    public CredentialVerifier(IOptionsMonitor<UsersOptions> options, TimeProvider time)
    {
        _directory = new UserDirectory(options.CurrentValue, time);
        _subscription = options.OnChange(changed => _directory = new UserDirectory(changed, time));
    }

    /// <inheritdoc/>
    public string Realm => _directory.Realm;

    /// <inheritdoc/>
    public ValueTask<KnownUser?> FindAsync(string userName, CancellationToken cancellationToken)
        => ValueTask.FromResult(_directory.Find(userName) is { Hash: not null } user ? user.Account : null);

    /// <inheritdoc/>
    public ValueTask<KnownUser?> FindByApiKeyAsync(string key, CancellationToken cancellationToken)
        => ValueTask.FromResult<KnownUser?>(null); // the configuration has no keys

    /// <inheritdoc/>
    public KnownUser? FindVerified(ReadOnlySpan<byte> userName, ReadOnlySpan<byte> password)
        => _directory.Verified.Find(VerifiedCredentialCache.DigestOf(userName, password));

    /// <inheritdoc/>
    public ValueTask<KnownUser?> VerifyPasswordAsync(string userName, string password, CancellationToken cancellationToken)
        => VerifyAsync(userName, password, clientAddress: null, cancellationToken);

    /// <inheritdoc/>
    /// <exception cref="ProxyException">More verifications are waiting than will be done in a time that a client waits.</exception>
    public ValueTask<KnownUser?> VerifyAsync(string userName, string password, IPAddress? clientAddress, CancellationToken cancellationToken)
    {
        var directory = _directory;
        var digest = VerifiedCredentialCache.DigestOf(userName, password);
        return directory.Verified.Find(digest) is { } user
            ? ValueTask.FromResult<KnownUser?>(user)
            : new ValueTask<KnownUser?>(VerifyPasswordAsync(directory, digest, userName, password, cancellationToken));
    }

    public void Dispose()
    {
        _subscription?.Dispose();
        _verifications.Dispose();
    }

    private async Task<KnownUser?> VerifyPasswordAsync(
        UserDirectory directory, VerifiedCredentialCache.Digest digest, string userName, string password, CancellationToken cancellationToken)
    {
        if (Interlocked.Increment(ref _waiting) > MaxWaiting)
        {
            Interlocked.Decrement(ref _waiting);
            throw new ProxyException(new ProxyError(
                StatusCodes.Status503ServiceUnavailable, "connection_limit_reached", Fault.Gateway, "Too many logins are waiting to be verified.")
            {
                RetryAfter = TimeSpan.FromSeconds(5),
            });
        }

        try
        {
            await _verifications.WaitAsync(cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }

        try
        {
            // A client opens several connections at once; one of them has meanwhile done the work for all.
            if (directory.Verified.Find(digest) is { } verified)
            {
                return verified;
            }

            var user = directory.Find(userName);
            var right = await Task.Run(() => (user?.Hash ?? Nobody).Verify(password), CancellationToken.None);
            if (!right || user?.Hash is null)
            {
                return null;
            }

            directory.Verified.Remember(digest, user.Account);
            return user.Account;
        }
        finally
        {
            _verifications.Release();
        }
    }
}
