using System.Net;
using System.Security.Claims;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Listeners;

/// <summary>Knows one user: alice, whose password is "s3cret".</summary>
internal sealed class AliceVerifier : ICredentialVerifier
{
    public ValueTask<ClaimsPrincipal?> VerifyAsync(string userName, string password, IPAddress? clientAddress, CancellationToken cancellationToken)
        => ValueTask.FromResult(
            userName == "alice" && password == "s3cret"
                ? new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.Name, userName)], "Test"))
                : null);
}
