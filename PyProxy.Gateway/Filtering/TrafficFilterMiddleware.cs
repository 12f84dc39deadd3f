using Microsoft.AspNetCore.Http.Features;
using PyProxy.Gateway.Filtering.Matching;
using PyProxy.Gateway.Filtering.Rules;
using PyProxy.Gateway.Http;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Filtering;

/// <summary>Stage 6: does with a request what the rules decide, on every way in but the admin role.</summary>
internal sealed class TrafficFilterMiddleware(RequestDelegate next, TrafficFilter filter, RefusalWriter refusals, TimeProvider time)
{
    private static readonly ProxyError OddHost = ProxyErrors.BadRequest("The host asked for is neither a name nor an address.");

    public Task InvokeAsync(HttpContext context)
    {
        var exchange = Exchange.Of(context);
        if (exchange.Role == ListenerRole.Admin)
        {
            return next(context);
        }

        if (!FactsReader.TryRead(context, exchange, time.GetUtcNow(), out var facts))
        {
            return refusals.WriteAsync(context, OddHost);
        }

        var judgement = filter.JudgeAsync(facts, exchange, trace: null, context.RequestAborted);
        return judgement.IsCompletedSuccessfully ? ActAsync(context, exchange, judgement.GetAwaiter().GetResult()) : AwaitAsync(context, exchange, judgement);
    }

    private async Task AwaitAsync(HttpContext context, Exchange exchange, ValueTask<Judgement> judgement)
        => await ActAsync(context, exchange, await judgement);

    private Task ActAsync(HttpContext context, Exchange exchange, Judgement judgement)
    {
        if (judgement.Rule is { } rule)
        {
            exchange.DecidedBy = rule.Name;
        }

        switch (judgement.Action)
        {
            case FilterAction.Allow:
                return next(context);
            case FilterAction.Rewrite:
                Rewrite(context, exchange, judgement.Rule!.Action);
                return next(context);
            case FilterAction.Redirect when exchange.WayIn is WayIn.Forward or WayIn.Reverse:
                Redirect(context, exchange, judgement.Rule!.Action);
                return Task.CompletedTask;
            case FilterAction.Close:
                Close(context, exchange, judgement.Refusal!);
                return Task.CompletedTask;
            default:
                return refusals.WriteAsync(context, judgement.Refusal!);
        }
    }

    /// <summary>Makes the request one for another place.</summary>
    internal static void Rewrite(HttpContext context, Exchange exchange, RuleAction action)
    {
        var asked = exchange.Target!.Value; // every forward way in has one
        exchange.Target = new HostPort(action.Host ?? asked.Host, action.Port ?? asked.Port);
        if (action.Path is { } path && exchange.WayIn == WayIn.Forward)
        {
            context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget = path;
        }
    }

    private static void Redirect(HttpContext context, Exchange exchange, RuleAction action)
    {
        exchange.Verdict = Verdict.Denied;
        context.Response.StatusCode = action.Status;
        context.Response.Headers.Location = action.Location;
        context.Response.Headers.CacheControl = "no-store";
        context.Response.ContentLength = 0;
    }

    private static void Close(HttpContext context, Exchange exchange, ProxyError refusal)
    {
        exchange.Error = refusal;
        exchange.Verdict = Verdict.Denied;
        context.Features.Get<ITunnelRefusalFeature>()?.Refuse(refusal);
        context.Abort();
    }
}
