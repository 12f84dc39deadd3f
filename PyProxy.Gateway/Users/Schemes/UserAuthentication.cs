using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http.Features.Authentication;
using PyProxy.Gateway.Traffic;
using PyProxy.Gateway.Users.Policies;

namespace PyProxy.Gateway.Users.Schemes;

/// <summary>Finds out who asks, writes it down for everybody who wants to know, and counts it.</summary>
internal sealed class UserAuthentication(Authenticator authenticator, Attempts attempts)
{
    public ValueTask<Proof> ProveAsync(HttpContext context, Exchange exchange, EndpointDemands demands)
        => authenticator.ProveAsync(context, exchange, demands, demands.SchemesAt(context.Features.Get<IListenerFeature>()), demands.AsksForUser);

    /// <summary>For code that asks by itself, also where the endpoint does not: by a scheme that it names, or by those that are open.</summary>
    public ValueTask<Proof> ProveWhenAskedAsync(HttpContext context, Exchange exchange, EndpointDemands demands, UserScheme? scheme)
        => authenticator.ProveAsync(
            context,
            exchange,
            demands,
            scheme is { } named ? UserSchemeSet.Of(named) : demands.SchemesAt(context.Features.Get<IListenerFeature>()),
            isAsked: true);

    public void Apply(HttpContext context, in Proof proof)
    {
        var exchange = Exchange.Of(context);
        if (proof.Scheme != SchemeNames.Socks5) // counted during the handshake
        {
            attempts.Record(proof, exchange.ClientAddress);
        }

        if (proof.User is { } user)
        {
            var feature = new KnownUserFeature(user, proof.Scheme!);
            context.Features.Set<IHttpAuthenticationFeature>(feature);
            context.Features.Set<IAuthenticateResultFeature>(feature);
            exchange.Account = user;
            exchange.AuthenticationScheme = proof.Scheme;
        }
        else if (proof.IsFailure)
        {
            context.Features.Set<IAuthenticateResultFeature>(new NobodyFeature(proof));
        }
    }
}
