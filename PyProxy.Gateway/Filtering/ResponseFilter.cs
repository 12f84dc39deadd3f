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

    private async ValueTask<bool> ApplyAsync(HttpContext context, FilteringSnapshot snapshot)
    {
        var exchange = Exchange.Of(context);
        if (!FactsReader.TryRead(context, exchange, time.GetUtcNow(), out var facts))
        {
            return true; // the first phase has refused such a host
        }

        facts = FactsReader.WithResponse(facts, context.Response);
        var next = 0;
        while (snapshot.Responses.FirstMatch(facts, next, out _) is { } rule)
        {
            next = rule.Index + 1;
            if (rule.ReportsOnly || snapshot.ReportsOnly)
            {
                recorder.Reported(rule, exchange);
                if (rule.Action.Decides && !rule.ReportsOnly)
                {
                    return true; // the section would have ended here
                }

                continue;
            }

            recorder.Decided(rule);
            var (refusal, isAllowed) = rule.Action.Kind == FilterAction.Filter
                ? await filters.OnResponseAsync(rule, snapshot, facts, exchange, context.RequestAborted)
                : (rule.Action.Refusal, rule.Action.Kind == FilterAction.Allow);
            if (refusal is not null)
            {
                await refusals.WriteAsync(context, refusal);
                return false;
            }

            if (isAllowed)
            {
                return true;
            }

            RuleEffects.Apply(rule.Action, facts.ResponseHeaders, exchange);
        }

        return true;
    }
}
