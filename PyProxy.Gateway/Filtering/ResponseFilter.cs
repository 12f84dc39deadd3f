using PyProxy.Gateway.Filtering.Extension;
using PyProxy.Gateway.Filtering.Matching;
using PyProxy.Gateway.Filtering.Rules;
using PyProxy.Gateway.Http;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Filtering;

/// <summary>
/// The second phase: judges what the destination answered, when its head stands in the response and nothing of it has been sent. Both proxies
/// call it from their transforms.
/// </summary>
internal sealed class ResponseFilter(
    FilteringRuntime runtime, FilteringRecorder recorder, TrafficFilterHost filters, RefusalWriter refusals, TimeProvider time)
{
    /// <returns>False where the response was refused, and an answer of the gateway's own stands in its place.</returns>
    public ValueTask<bool> ApplyAsync(HttpContext context)
    {
        var snapshot = runtime.Current;
        return snapshot.Responses.All.Count == 0 ? ValueTask.FromResult(true) : ApplyAsync(context, snapshot);
    }

    /// <summary>What the rules say of a response, without an effect on anything but its head: for a question without traffic.</summary>
    public ValueTask<ProxyError?> JudgeAsync(HttpContext context, DateTimeOffset now, RuleTrace trace) => JudgeAsync(context, runtime.Current, now, trace);

    private async ValueTask<bool> ApplyAsync(HttpContext context, FilteringSnapshot snapshot)
    {
        if (await JudgeAsync(context, snapshot, time.GetUtcNow(), trace: null) is not { } refusal)
        {
            return true;
        }

        await refusals.WriteAsync(context, refusal);
        return false;
    }

    /// <returns>The refusal; <see langword="null"/> where the response passes.</returns>
    private async ValueTask<ProxyError?> JudgeAsync(HttpContext context, FilteringSnapshot snapshot, DateTimeOffset now, RuleTrace? trace)
    {
        var exchange = Exchange.Of(context);
        if (!FactsReader.TryRead(context, exchange, now, out var facts))
        {
            return null; // the first phase has refused such a host
        }

        facts = FactsReader.WithResponse(facts, context.Response);
        var next = 0;
        while (true)
        {
            var rule = snapshot.Responses.FirstMatch(facts, next, out _);
            trace?.Passed(snapshot.Responses, next, rule, facts);
            if (rule is null)
            {
                return null;
            }

            next = rule.Index + 1;
            if (rule.ReportsOnly || snapshot.ReportsOnly)
            {
                Report(rule, exchange, trace);
                if (rule.Action.Decides && !rule.ReportsOnly)
                {
                    return null; // the section would have ended here
                }

                continue;
            }

            var (refusal, isAllowed) = await ActAsync(rule, snapshot, facts, context, trace);
            if (refusal is not null || isAllowed)
            {
                return refusal;
            }
        }
    }

    private async ValueTask<(ProxyError? Refusal, bool IsAllowed)> ActAsync(
        Rule rule, FilteringSnapshot snapshot, Facts facts, HttpContext context, RuleTrace? trace)
    {
        var exchange = Exchange.Of(context);
        var asksFilter = rule.Action.Kind == FilterAction.Filter;
        if (trace is null)
        {
            recorder.Decided(rule);
        }
        else
        {
            trace.Met(rule, asksFilter ? RuleFate.AsksFilter : rule.Action.Decides ? RuleFate.Decides : RuleFate.Applies);
        }

        if (asksFilter)
        {
            return trace is null ? await filters.OnResponseAsync(rule, snapshot, facts, exchange, context.RequestAborted) : default;
        }

        RuleEffects.Apply(rule.Action, facts.ResponseHeaders, exchange);
        return (rule.Action.Refusal, rule.Action.Kind == FilterAction.Allow);
    }

    private void Report(Rule rule, Exchange exchange, RuleTrace? trace)
    {
        if (trace is null)
        {
            recorder.Reported(rule, exchange);
        }
        else
        {
            trace.Met(rule, RuleFate.Reports);
        }
    }
}
