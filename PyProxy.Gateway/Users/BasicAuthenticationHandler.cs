using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Users;

/// <summary>
/// The scheme <c>Basic</c> (RFC 7617): <c>Proxy-Authorization</c> and 407 where the client knows that it talks to a proxy, <c>Authorization</c>
/// and 401 where it takes the gateway for the origin. Users who were verified before HTTP began (SOCKS5) are taken as they are.
/// </summary>
internal sealed class BasicAuthenticationHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder, CredentialVerifier verifier, UsersMetrics metrics)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    public const string SchemeName = "Basic";
    private const string SocksScheme = "Socks5";

    private bool IsProxy => Context.Features.Get<IListenerFeature>()?.Role is ListenerRole.Forward or ListenerRole.Socks;

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (Context.Features.Get<IVerifiedUserFeature>() is { } verified)
        {
            return Accept(verified.User, SocksScheme); // counted by the way in, where it was an attempt
        }

        // On a route that asks for nobody, credentials are the origin's business: judging them would cost a hash and count a failure.
        if (!IsProxy && !AsksForUser(Context.GetEndpoint()))
        {
            return AuthenticateResult.NoResult();
        }

        var field = IsProxy ? HeaderNames.ProxyAuthorization : HeaderNames.Authorization;
        var value = Request.Headers[field];
        if (value.Count == 0 || (value.Count == 1 && !BasicCredentials.IsBasic(value[0])))
        {
            return AuthenticateResult.NoResult();
        }

        if (IsProxy)
        {
            Request.Headers.Remove(field); // RFC 9110 §11.7.2: consumed here, whatever comes of it
        }

        return await AuthenticateAsync(value);
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        var challenge = $"Basic realm=\"{verifier.Realm}\", charset=\"UTF-8\"";
        if (IsProxy)
        {
            Response.StatusCode = StatusCodes.Status407ProxyAuthenticationRequired;
            Response.Headers.Append(HeaderNames.ProxyAuthenticate, challenge);
        }
        else
        {
            Response.StatusCode = StatusCodes.Status401Unauthorized;
            Response.Headers.Append(HeaderNames.WWWAuthenticate, challenge);
        }

        return Task.CompletedTask;
    }

    private static bool AsksForUser(Endpoint? endpoint)
        => endpoint is not null
            && (endpoint.Metadata.GetMetadata<IAuthorizeData>() is not null || endpoint.Metadata.GetMetadata<AuthorizationPolicy>() is not null);

    private async Task<AuthenticateResult> AuthenticateAsync(StringValues value)
    {
        if (value.Count > 1 || !BasicCredentials.TryParse(value[0], out var credentials))
        {
            metrics.Attempt(SchemeName, "malformed");
            return AuthenticateResult.Fail("Malformed credentials.");
        }

        var user = await verifier.VerifyAsync(
            credentials.UserName, credentials.Password, Exchange.Of(Context).ClientAddress, Context.RequestAborted);
        metrics.Attempt(SchemeName, user is null ? "rejected" : "accepted");
        return user is null ? AuthenticateResult.Fail("Unknown user or wrong password.") : Accept(user, SchemeName);
    }

    private AuthenticateResult Accept(KnownUser user, string scheme)
    {
        var exchange = Exchange.Of(Context);
        exchange.Account = user;
        exchange.AuthenticationScheme = scheme;
        return AuthenticateResult.Success(new AuthenticationTicket(user.Principal, scheme));
    }
}
