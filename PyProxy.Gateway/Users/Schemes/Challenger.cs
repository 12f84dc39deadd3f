using Microsoft.AspNetCore.Authentication;
using Microsoft.Net.Http.Headers;
using PyProxy.Gateway.Http;
using PyProxy.Gateway.Traffic;
using PyProxy.Gateway.Users.Policies;

namespace PyProxy.Gateway.Users.Schemes;

/// <summary>Asks a client who it is: 407 where it knows that it talks to a proxy, 401 where it takes the gateway for the origin.</summary>
internal sealed class Challenger(IUserLookup users, DemandsOfEndpoints endpoints, RefusalWriter refusals)
{
    /// <summary>Answers a client who showed something that is not accepted.</summary>
    public Task RefuseAsync(HttpContext context, in Proof proof)
    {
        if (proof.Outcome == ProofOutcome.Limited)
        {
            return refusals.WriteAsync(context, ProxyErrors.TooManyAttempts(proof.RetryAfter));
        }

        Challenge(context, OpenTo(context));
        var status = context.Response.StatusCode;
        return refusals.WriteAsync(
            context, status == StatusCodes.Status403Forbidden ? ProxyErrors.NotRecognized : ProxyErrors.AuthenticationRequired(status));
    }

    /// <summary>The schemes that are open to a request.</summary>
    public UserSchemeSet OpenTo(HttpContext context)
        => endpoints.Of(context.GetEndpoint()).SchemesAt(context.Features.Get<IListenerFeature>());

    /// <summary>Sets status and fields. Where no scheme is open that a client can be asked for, the status is 403: a challenge needs one.</summary>
    public void Challenge(HttpContext context, UserSchemeSet schemes)
    {
        var demands = endpoints.Of(context.GetEndpoint());
        var isProxy = Exchange.Of(context).Role is ListenerRole.Forward or ListenerRole.Socks;
        var field = isProxy ? HeaderNames.ProxyAuthenticate : HeaderNames.WWWAuthenticate;
        var headers = context.Response.Headers;
        var realm = users.Realm;
        var asked = false;
        if (schemes.Contains(UserScheme.Basic))
        {
            headers.Append(field, $"Basic realm=\"{realm}\", charset=\"UTF-8\"");
            asked = true;
        }

        if (schemes.Contains(UserScheme.Bearer) && demands.Table.Tokens.Any)
        {
            headers.Append(field, IsBadToken(context) ? $"Bearer realm=\"{realm}\", error=\"invalid_token\"" : $"Bearer realm=\"{realm}\"");
            asked = true;
        }

        if (schemes.Contains(UserScheme.ApiKey))
        {
            headers.Append(field, $"ApiKey realm=\"{realm}\", header=\"{demands.KeyField.Header}\"");
            asked = true;
        }

        context.Response.StatusCode = !asked ? StatusCodes.Status403Forbidden
            : isProxy ? StatusCodes.Status407ProxyAuthenticationRequired
            : StatusCodes.Status401Unauthorized;
    }

    /// <summary>RFC 6750 §3.1: only a client that showed a token is told that it is no good.</summary>
    private static bool IsBadToken(HttpContext context)
        => context.Features.Get<IAuthenticateResultFeature>() is NobodyFeature { Proof: { IsFailure: true, Scheme: nameof(UserScheme.Bearer) } };
}
