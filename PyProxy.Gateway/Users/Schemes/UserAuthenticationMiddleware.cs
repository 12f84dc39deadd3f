using PyProxy.Gateway.Traffic;
using PyProxy.Gateway.Users.Policies;

namespace PyProxy.Gateway.Users.Schemes;

/// <summary>
/// Stage 5, first half: who asks. In place of the framework's middleware, which makes a service scope, a handler, a ticket and several state
/// machines for each request: what it and its users look at is set all the same.
/// </summary>
internal sealed class UserAuthenticationMiddleware(RequestDelegate next, UserAuthentication authentication, DemandsOfEndpoints endpoints, Challenger challenger)
{
    public Task InvokeAsync(HttpContext context)
    {
        var exchange = Exchange.Of(context);
        var proving = authentication.ProveAsync(context, exchange, endpoints.Of(context.GetEndpoint()));
        return proving.IsCompletedSuccessfully ? Continue(context, exchange, proving.Result) : AwaitAsync(context, exchange, proving);
    }

    private async Task AwaitAsync(HttpContext context, Exchange exchange, ValueTask<Proof> proving) => await Continue(context, exchange, await proving);

    private Task Continue(HttpContext context, Exchange exchange, in Proof proof)
    {
        authentication.Apply(context, proof);

        // To a proxy the client speaks for nobody else's ears: wrong credentials are wrong also where none are needed. On a route the policy decides.
        return (proof.IsFailure && exchange.Role is ListenerRole.Forward or ListenerRole.Socks) || proof.Outcome == ProofOutcome.Limited
            ? challenger.RefuseAsync(context, proof)
            : next(context);
    }
}
