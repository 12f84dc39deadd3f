using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http.Features.Authentication;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Users.Schemes;

/// <summary>
/// What the framework and its users find of a known user: <c>HttpContext.User</c> and the result of authentication. All that a verified request
/// allocates for it; ticket and result are made when somebody asks for them.
/// </summary>
internal sealed class KnownUserFeature(KnownUser user, string scheme) : IHttpAuthenticationFeature, IAuthenticateResultFeature
{
    private ClaimsPrincipal? _principal = user.Principal;
    private AuthenticateResult? _result;
    private string? _scheme = scheme; // none any more once somebody has put another user or result in place: it is not for us to vouch for those

    public ClaimsPrincipal? User
    {
        get => _principal;
        set => (_principal, _result, _scheme) = (value, null, null); // as the framework's own feature does: result and user stay one
    }

    public AuthenticateResult? AuthenticateResult
    {
        get => _result is null && _scheme is { } scheme ? _result = AuthenticateResult.Success(new AuthenticationTicket(_principal!, scheme)) : _result;
        set => (_principal, _result, _scheme) = (value?.Principal, value, null);
    }
}

/// <summary>What is found of a client whose credentials were not accepted, or who showed none.</summary>
internal sealed class NobodyFeature(in Proof proof) : IAuthenticateResultFeature
{
    private static readonly AuthenticateResult NotAccepted = AuthenticateResult.Fail("The credentials were not accepted.");

    public Proof Proof { get; } = proof;

    public AuthenticateResult? AuthenticateResult { get; set; } = proof.IsFailure ? NotAccepted : AuthenticateResult.NoResult();
}
