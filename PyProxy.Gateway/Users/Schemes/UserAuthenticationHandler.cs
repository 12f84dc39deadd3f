using Microsoft.AspNetCore.Authentication;
using PyProxy.Gateway.Traffic;
using PyProxy.Gateway.Users.Policies;

namespace PyProxy.Gateway.Users.Schemes;

/// <summary>
/// The schemes as ASP.NET Core knows them, for whoever names one: <c>AuthenticateAsync</c>, <c>ChallengeAsync</c>, the schemes of an
/// <c>[Authorize]</c>. Requests on their way pass <see cref="UserAuthenticationMiddleware"/>, which needs no handler.
/// </summary>
internal sealed class UserAuthenticationHandler(UserAuthentication authentication, Challenger challenger, DemandsOfEndpoints endpoints) : IAuthenticationHandler
{
    private HttpContext _context = null!;
    private string _scheme = null!;

    public Task InitializeAsync(AuthenticationScheme scheme, HttpContext context)
    {
        _context = context;
        _scheme = scheme.Name;
        return Task.CompletedTask;
    }

    public async Task<AuthenticateResult> AuthenticateAsync()
    {
        // 1. Once is enough: the credentials have been taken out of the request, and a second look would count as a second attempt.
        if (_context.Features.Get<IAuthenticateResultFeature>() is not (KnownUserFeature or NobodyFeature))
        {
            var demands = endpoints.Of(_context.GetEndpoint());
            UserScheme? named = Enum.TryParse<UserScheme>(_scheme, out var scheme) ? scheme : null;
            var proof = await authentication.ProveWhenAskedAsync(_context, Exchange.Of(_context), demands, named);
            authentication.Apply(_context, proof);
            if (proof.Outcome == ProofOutcome.Limited)
            {
                throw new ProxyException(ProxyErrors.TooManyAttempts(proof.RetryAfter));
            }
        }

        // 2. A scheme answers for itself only.
        var result = _context.Features.Get<IAuthenticateResultFeature>()?.AuthenticateResult ?? AuthenticateResult.NoResult();
        return _scheme == SchemeNames.Any || !result.Succeeded || result.Ticket.AuthenticationScheme == _scheme ? result : AuthenticateResult.NoResult();
    }

    public Task ChallengeAsync(AuthenticationProperties? properties)
    {
        challenger.Challenge(
            _context, Enum.TryParse<UserScheme>(_scheme, out var scheme) ? UserSchemeSet.Of(scheme) : challenger.OpenTo(_context));
        return Task.CompletedTask;
    }

    public Task ForbidAsync(AuthenticationProperties? properties)
    {
        _context.Response.StatusCode = StatusCodes.Status403Forbidden;
        return Task.CompletedTask;
    }
}
