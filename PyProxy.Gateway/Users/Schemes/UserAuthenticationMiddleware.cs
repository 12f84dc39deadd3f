using System.Diagnostics;
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
        var span = GatewayTracing.StartChild("authenticate");
        var proving = authentication.ProveAsync(context, exchange, endpoints.Of(context.GetEndpoint()));
        return proving.IsCompletedSuccessfully ? Continue(context, exchange, proving.Result, span) : AwaitAsync(context, exchange, proving, span);
    }

    private async Task AwaitAsync(HttpContext context, Exchange exchange, ValueTask<Proof> proving, Activity? span)
    {
        Proof proof;
        try
        {
            proof = await proving;
        }
        catch
        {
            span?.Dispose();
            throw;
        }

        await Continue(context, exchange, proof, span);
    }

    private Task Continue(HttpContext context, Exchange exchange, in Proof proof, Activity? span)
    {
        authentication.Apply(context, proof);
        if (span is not null)
        {
            End(span, proof, context);
        }

        // To a proxy the client speaks for nobody else's ears: wrong credentials are wrong also where none are needed. On a route the policy decides.
        return (proof.IsFailure && exchange.Role is ListenerRole.Forward or ListenerRole.Socks) || proof.Outcome == ProofOutcome.Limited
            ? challenger.RefuseAsync(context, proof)
            : next(context);
    }

    private static void End(Activity span, in Proof proof, HttpContext context)
    {
        if (proof.Scheme == SchemeNames.Socks5 && context.Features.Get<IVerifiedUserFeature>() is { } verified)
        {
            span.SetStartTime(verified.VerifiedFrom.UtcDateTime); // during the handshake, before there was an exchange
            span.SetEndTime(verified.VerifiedUntil.UtcDateTime);
        }

        span.SetTag("pyproxy.authentication.scheme", proof.Scheme);
        if (proof.IsFailure)
        {
            span.Fail(Attempts.NameOf(proof.Outcome));
        }

        span.Dispose();
    }
}
