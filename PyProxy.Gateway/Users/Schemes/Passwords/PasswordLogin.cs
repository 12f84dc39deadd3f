using System.Collections.Concurrent;
using System.Net;
using System.Runtime.CompilerServices;
using System.Text;
using PyProxy.Gateway.Traffic;
using PyProxy.Gateway.Users.Guessing;

namespace PyProxy.Gateway.Users.Schemes.Passwords;

/// <summary>Names and passwords, from <c>Basic</c> and from SOCKS5: who was verified a short while ago passes, everybody else passes the limiter first.</summary>
internal sealed class PasswordLogin(IUserLookup users, GuessingLimiter guessing, Attempts attempts) : ICredentialVerifier
{
    private const int MaxNameLength = 128; // of a user; of longer names nothing more need be told apart

    private readonly ConcurrentDictionary<VerifiedCredentialCache.Digest, Task<KnownUser?>> _underWay = new(); // as many as there are logins under way

    /// <summary>A value of <c>Authorization</c> or <c>Proxy-Authorization</c> whose scheme is Basic.</summary>
    [SkipLocalsInit] // the buffer is written before it is read, and this runs for each request
    public ValueTask<Proof> VerifyBasicAsync(string field, IPAddress? address, CancellationToken cancellationToken)
    {
        Span<byte> buffer = stackalloc byte[BasicCredentials.MaxDecodedLength];
        if (!BasicCredentials.TryDecode(field, buffer, out var name, out var password))
        {
            return new(Proof.Malformed(UserScheme.Basic));
        }

        return users.FindVerified(name, password) is { } user
            ? new(Proof.Of(UserScheme.Basic, user))
            : new(LoginAsync(SchemeNames.Of(UserScheme.Basic), Encoding.UTF8.GetString(name), Encoding.UTF8.GetString(password), address, cancellationToken));
    }

    /// <summary>For SOCKS5: the pipeline takes the user as verified, so the attempt is counted here.</summary>
    async ValueTask<KnownUser?> ICredentialVerifier.VerifyAsync(
        string userName, string password, IPAddress? clientAddress, CancellationToken cancellationToken)
    {
        var proof = users.FindVerified(Encoding.UTF8.GetBytes(userName), Encoding.UTF8.GetBytes(password)) is { } verified
            ? Proof.Of(SchemeNames.Socks5, verified)
            : await LoginAsync(SchemeNames.Socks5, userName, password, clientAddress, cancellationToken);
        attempts.Record(proof, clientAddress);
        return proof.User;
    }

    /// <summary>
    /// Looks at a name and a password that are not remembered. The same ones on several connections at once are one guess and one hash: a client
    /// opens its connections together, and after a while in which it was remembered it has all of them open.
    /// </summary>
    private async Task<Proof> LoginAsync(string scheme, string userName, string password, IPAddress? address, CancellationToken cancellationToken)
    {
        var limited = userName.Length > MaxNameLength ? userName[..MaxNameLength] : userName;
        var digest = VerifiedCredentialCache.DigestOf(VerifiedCredentialCache.CredentialKind.Password, userName, password);
        while (true)
        {
            // 1. Who looks at them: this attempt, or the first of several.
            var own = new TaskCompletionSource<KnownUser?>(TaskCreationOptions.RunContinuationsAsynchronously);
            var judgement = _underWay.GetOrAdd(digest, own.Task);
            var isFirst = ReferenceEquals(judgement, own.Task);

            // 2. Whether they are looked at at all.
            if (!guessing.TryEnter(address, limited, isFirst ? GuessKind.Password : GuessKind.SamePassword, out var attempt, out var retryAfter))
            {
                if (isFirst)
                {
                    GiveUp(digest, own);
                }

                return Proof.Limited(scheme, retryAfter) with { UserName = limited };
            }

            // 3. What comes of it.
            KnownUser? user;
            try
            {
                user = isFirst ? await JudgeAsync(digest, own, userName, password, cancellationToken) : await judgement.WaitAsync(cancellationToken);
            }
            catch (OperationCanceledException) when (!isFirst && !cancellationToken.IsCancellationRequested)
            {
                attempt.Withdraw();
                continue; // the first has gone without an answer: somebody else has to
            }
            catch
            {
                attempt.Withdraw();
                throw;
            }

            if (user is null)
            {
                attempt.Failed();
                return Proof.Rejected(scheme, "unknown user or wrong password") with { UserName = limited };
            }

            attempt.Succeeded();
            return Proof.Of(scheme, user);
        }
    }

    private async Task<KnownUser?> JudgeAsync(
        VerifiedCredentialCache.Digest digest, TaskCompletionSource<KnownUser?> own, string userName, string password, CancellationToken cancellationToken)
    {
        try
        {
            var user = await users.VerifyPasswordAsync(userName, password, cancellationToken);
            _underWay.TryRemove(digest, out _);
            own.SetResult(user);
            return user;
        }
        catch
        {
            GiveUp(digest, own);
            throw;
        }
    }

    private void GiveUp(VerifiedCredentialCache.Digest digest, TaskCompletionSource<KnownUser?> own)
    {
        _underWay.TryRemove(digest, out _);
        own.SetCanceled(CancellationToken.None);
    }
}
