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

    private async Task<Proof> LoginAsync(string scheme, string userName, string password, IPAddress? address, CancellationToken cancellationToken)
    {
        var limited = userName.Length > MaxNameLength ? userName[..MaxNameLength] : userName;
        if (!guessing.TryEnter(address, limited, out var attempt, out var retryAfter))
        {
            return Proof.Limited(scheme, retryAfter) with { UserName = limited };
        }

        KnownUser? user;
        try
        {
            user = await users.VerifyPasswordAsync(userName, password, cancellationToken);
        }
        catch
        {
            attempt.Withdraw();
            throw;
        }

        if (user is null)
        {
            return Proof.Rejected(scheme, "unknown user or wrong password") with { UserName = limited };
        }

        attempt.Succeeded();
        return Proof.Of(scheme, user);
    }
}
