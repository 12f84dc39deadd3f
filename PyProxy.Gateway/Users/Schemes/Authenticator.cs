using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using PyProxy.Gateway.Traffic;
using PyProxy.Gateway.Users.Policies;
using PyProxy.Gateway.Users.Schemes.ApiKeys;
using PyProxy.Gateway.Users.Schemes.Passwords;

namespace PyProxy.Gateway.Users.Schemes;

/// <summary>
/// Finds out who asks. What a client shows on purpose decides: if it is wrong, nothing else about the client makes up for it. Only where it shows
/// nothing do its certificate and then its address count.
/// </summary>
internal sealed class Authenticator(PasswordLogin passwords, ApiKeyLogin keys, IUserLookup users)
{
    /// <param name="context">The request; credentials meant for the gateway are taken out of it, right or wrong.</param>
    /// <param name="exchange">Its exchange.</param>
    /// <param name="demands">What its endpoint demands.</param>
    /// <param name="schemes">The schemes that are open to it.</param>
    /// <param name="isAsked">Whether somebody wants to know.</param>
    public ValueTask<Proof> ProveAsync(HttpContext context, Exchange exchange, EndpointDemands demands, UserSchemeSet schemes, bool isAsked)
    {
        // 1. Proxy-Authorization ends here, whoever it was meant for (RFC 9110 §11.7.2).
        var headers = context.Request.Headers;
        var isProxy = exchange.Role is ListenerRole.Forward or ListenerRole.Socks;
        var field = headers.ProxyAuthorization;
        if (field.Count > 0)
        {
            headers.Remove(HeaderNames.ProxyAuthorization);
        }

        // 2. Verified before HTTP began, and counted there.
        if (exchange.Role == ListenerRole.Socks && context.Features.Get<IVerifiedUserFeature>() is { } verified)
        {
            return new(Proof.Of(SchemeNames.Socks5, verified.User));
        }

        // 3. On a route that asks for nobody, credentials are the origin's business: judging them would cost a hash and count a failure.
        if (!isProxy && !isAsked)
        {
            return default;
        }

        // 4. What the client shows.
        if (!isProxy)
        {
            field = headers.Authorization;
        }

        if (field.Count > 0 && Choose(field, schemes) is { } scheme)
        {
            if (!isProxy && !demands.ForwardCredentials)
            {
                headers.Remove(HeaderNames.Authorization);
            }

            return VerifyAsync(scheme, field, exchange, demands, context.RequestAborted);
        }

        if (field.Count > 0 && isProxy)
        {
            return new(Proof.Unsupported); // another's scheme in Authorization may be meant for the origin, but this is for nobody else
        }

        if (schemes.Contains(UserScheme.ApiKey) && demands.KeyField.TryTake(context.Request, demands.ForwardCredentials, out var key))
        {
            return keys.VerifyAsync(key, exchange.ClientAddress, context.RequestAborted);
        }

        // 5. What it is.
        if (schemes.Contains(UserScheme.ClientCertificate)
            && demands.Table.Certificates.Any
            && context.Features.Get<ITlsConnectionFeature>()?.ClientCertificate is { } certificate
            && demands.Table.Certificates.UserOf(certificate) is { } ofCertificate)
        {
            return LookUpAsync(UserScheme.ClientCertificate, ofCertificate, context.RequestAborted);
        }

        return schemes.Contains(UserScheme.ClientAddress) && demands.Table.Addresses.UserOf(exchange.ClientAddress) is { } ofAddress
            ? LookUpAsync(UserScheme.ClientAddress, ofAddress, context.RequestAborted)
            : default;
    }

    private ValueTask<Proof> VerifyAsync(
        UserScheme scheme, StringValues field, Exchange exchange, EndpointDemands demands, CancellationToken cancellationToken)
    {
        if (field.Count > 1)
        {
            return new(Proof.Malformed(scheme)); // whose of both is it?
        }

        return scheme == UserScheme.Basic
            ? passwords.VerifyBasicAsync(field[0]!, exchange.ClientAddress, cancellationToken)
            : demands.Table.Tokens.VerifyAsync(field[0]!, cancellationToken);
    }

    /// <summary>The open scheme that a field names, in any of its lines.</summary>
    private static UserScheme? Choose(in StringValues field, UserSchemeSet schemes)
    {
        for (var i = 0; i < field.Count; i++)
        {
            if (AuthorizationField.SchemeOf(field[i]) is { } scheme && schemes.Contains(scheme))
            {
                return scheme;
            }
        }

        return null;
    }

    private ValueTask<Proof> LookUpAsync(UserScheme scheme, string userName, CancellationToken cancellationToken)
    {
        var found = users.FindAsync(userName, cancellationToken);
        return found.IsCompletedSuccessfully ? new(ProofOf(scheme, found.Result, userName)) : new(AwaitAsync(scheme, found, userName));
    }

    private static async Task<Proof> AwaitAsync(UserScheme scheme, ValueTask<KnownUser?> found, string userName)
        => ProofOf(scheme, await found, userName);

    private static Proof ProofOf(UserScheme scheme, KnownUser? user, string userName) => user is not null
        ? Proof.Of(scheme, user)
        : Proof.Rejected(scheme, "its user is unknown or disabled") with { UserName = userName };
}
