using System.Net;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Listeners;

/// <summary>Knows one user: alice, whose password is "s3cret".</summary>
internal sealed class AliceVerifier : ICredentialVerifier
{
    public ValueTask<KnownUser?> VerifyAsync(string userName, string password, IPAddress? clientAddress, CancellationToken cancellationToken)
        => ValueTask.FromResult(
            userName == "alice" && password == "s3cret"
                ? new KnownUser(userName, [], plan: null)
                : null);
}
