using Microsoft.AspNetCore.RateLimiting;
using PyProxy.Gateway.Http;

namespace PyProxy.Gateway.Limits;

/// <summary>
/// Stage 7, rates: a fast exit in front of the framework's rate-limiting middleware, which asks <see cref="PlanRateLimiter"/> as its
/// <c>GlobalLimiter</c> and then, under a lock of all requests, whether the endpoint has a policy. Endpoints that carry one, which a program has given
/// them in code, are the framework's as ever; it is built for the first of them, because it keeps a timer of 100 ms that nothing ends.
/// </summary>
internal sealed class PlanLimitsMiddleware(RequestDelegate next, PlanRateLimiter limiter, RefusalWriter refusals, IServiceProvider services)
{
    private readonly Lazy<RequestDelegate> _framework = new(() =>
    {
        var branch = new ApplicationBuilder(services);
        branch.UseRateLimiter();
        branch.Run(next);
        return branch.Build();
    });

    public Task InvokeAsync(HttpContext context)
    {
        if (context.GetEndpoint()?.Metadata is { } metadata
            && (metadata.GetMetadata<EnableRateLimitingAttribute>() is not null || metadata.GetMetadata<DisableRateLimitingAttribute>() is not null))
        {
            return _framework.Value(context);
        }

        var asked = limiter.AskAsync(context);
        return asked.IsCompletedSuccessfully ? ContinueAsync(context, asked.Result) : WaitAsync(context, asked);
    }

    private async Task WaitAsync(HttpContext context, ValueTask<PlanLease> asked)
    {
        PlanLease lease;
        try
        {
            lease = await asked;
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            return; // nobody is there to be answered
        }

        await ContinueAsync(context, lease);
    }

    private Task ContinueAsync(HttpContext context, PlanLease lease)
        => lease.Refusal is { } refusal ? refusals.WriteAsync(context, refusal)
            : ReferenceEquals(lease, PlanLease.Free) ? next(context)
            : RunAsync(context, lease);

    private async Task RunAsync(HttpContext context, PlanLease lease)
    {
        using (lease)
        {
            await next(context);
        }
    }
}
