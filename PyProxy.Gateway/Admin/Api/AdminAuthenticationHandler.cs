using System.Net;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.Extensions.Options;
using Microsoft.Net.Http.Headers;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Admin.Api;

/// <summary>Tells who uses the admin API: by bearer token (RFC 6750), or as somebody on this machine where that is enough.</summary>
internal sealed class AdminAuthenticationHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder, AdminTokens tokens, AdminMetrics metrics)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    public const string SchemeName = "AdminToken";
    private const string Bearer = "Bearer ";

    // Whoever has passed the request on has left one of these; where they are, the connection's other end is not the client.
    private static readonly string[] PassedOn = ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", HeaderNames.Via];

    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        // Tokens mean nothing on the other roles, where they would belong to an origin.
        if (Context.Features.Get<IListenerFeature>()?.Role != ListenerRole.Admin)
        {
            return Task.FromResult(AuthenticateResult.NoResult());
        }

        var field = Request.Headers.Authorization;
        if (field.Count > 0)
        {
            var user = field.Count == 1 && field[0]!.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase)
                ? tokens.Find(field[0].AsSpan(Bearer.Length).Trim())
                : null;
            metrics.Authenticated(user is not null);
            return Task.FromResult(user is null ? AuthenticateResult.Fail("Unknown token.") : Accept(user, SchemeName));
        }

        return Task.FromResult(tokens.LocalUser is { } local && IsLocal() ? Accept(local, "Local") : AuthenticateResult.NoResult());
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        Response.StatusCode = StatusCodes.Status401Unauthorized;
        Response.Headers.WWWAuthenticate = "Bearer realm=\"PyProxy.Gateway admin\"";
        return Task.CompletedTask;
    }

    /// <summary>By the socket and by what trusted proxies have said; a proxy on this machine must not lend its address to its clients.</summary>
    private bool IsLocal()
    {
        foreach (var name in PassedOn)
        {
            if (Request.Headers.ContainsKey(name))
            {
                return false;
            }
        }

        return Context.Features.Get<IConnectionSocketFeature>()?.Socket.RemoteEndPoint is IPEndPoint { Address: var peer }
            && IPAddress.IsLoopback(peer)
            && Context.Connection.RemoteIpAddress is { } client
            && IPAddress.IsLoopback(client);
    }

    private AuthenticateResult Accept(KnownUser user, string scheme)
    {
        var exchange = Exchange.Of(Context);
        exchange.Account = user;
        exchange.AuthenticationScheme = scheme;
        return AuthenticateResult.Success(new AuthenticationTicket(user.Principal, SchemeName));
    }
}
