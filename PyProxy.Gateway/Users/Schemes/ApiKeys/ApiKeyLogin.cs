using System.Net;
using PyProxy.Gateway.Traffic;
using PyProxy.Gateway.Users.Guessing;
using PyProxy.Gateway.Users.Passwords;

namespace PyProxy.Gateway.Users.Schemes.ApiKeys;

/// <summary>Whose an API key is. Nobody guesses 128 bits; the limiter keeps those who try from asking the stores for each try.</summary>
internal sealed class ApiKeyLogin(IUserLookup users, GuessingLimiter guessing)
{
    public ValueTask<Proof> VerifyAsync(string? key, IPAddress? address, CancellationToken cancellationToken)
    {
        if (key is null || key.AsSpan().ContainsAnyExceptInRange('!', '~'))
        {
            return new(Proof.Malformed(UserScheme.ApiKey));
        }

        return users.FindVerifiedApiKey(key) is { } user
            ? new(Proof.Of(UserScheme.ApiKey, user))
            : new(LookUpAsync(key, address, cancellationToken));
    }

    private async Task<Proof> LookUpAsync(string key, IPAddress? address, CancellationToken cancellationToken)
    {
        if (!guessing.TryEnter(address, GeneratedCredential.IdOf(key), GuessKind.Key, out var attempt, out var retryAfter))
        {
            return Proof.Limited(SchemeNames.Of(UserScheme.ApiKey), retryAfter);
        }

        KnownUser? user;
        try
        {
            user = await users.FindByApiKeyAsync(key, cancellationToken);
        }
        catch
        {
            attempt.Withdraw();
            throw;
        }

        if (user is null)
        {
            attempt.Failed();
            return Proof.Rejected(UserScheme.ApiKey, "unknown key");
        }

        attempt.Succeeded();
        return Proof.Of(UserScheme.ApiKey, user);
    }
}
