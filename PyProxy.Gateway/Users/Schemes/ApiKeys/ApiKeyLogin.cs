using System.Net;
using PyProxy.Gateway.Traffic;
using PyProxy.Gateway.Users.Guessing;

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

        var found = users.FindByApiKeyAsync(key, cancellationToken);
        return found.IsCompletedSuccessfully ? new(ProofOf(found.Result, address)) : new(AwaitAsync(found, address));
    }

    private async Task<Proof> AwaitAsync(ValueTask<KnownUser?> found, IPAddress? address) => ProofOf(await found, address);

    private Proof ProofOf(KnownUser? user, IPAddress? address)
    {
        if (user is not null)
        {
            return Proof.Of(UserScheme.ApiKey, user);
        }

        return guessing.TryEnter(address, name: null, out _, out var retryAfter)
            ? Proof.Rejected(UserScheme.ApiKey, "unknown key")
            : Proof.Limited(SchemeNames.Of(UserScheme.ApiKey), retryAfter);
    }
}
