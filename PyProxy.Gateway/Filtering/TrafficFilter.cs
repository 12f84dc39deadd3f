using PyProxy.Gateway.Filtering.Extension;
using PyProxy.Gateway.Filtering.Matching;
using PyProxy.Gateway.Filtering.Rules;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Filtering;

/// <summary>
/// Judges an exchange by the rules about requests. It works on facts, an exchange and a head, wherever they come from, so that a question
/// without traffic gets the same answer.
/// </summary>
internal sealed class TrafficFilter(FilteringRuntime runtime, FilteringRecorder recorder, TrafficFilterHost filters)
{
    /// <summary>
    /// Asks the rules in order until one decides. What rules do on the way is done to <paramref name="exchange"/> and to the head in
    /// <paramref name="facts"/>.
    /// </summary>
    /// <param name="facts">What is asked.</param>
    /// <param name="exchange">The exchange that it is asked about.</param>
    /// <param name="trace">Of a question without traffic; <see langword="null"/> on the way of a request.</param>
    /// <param name="cancellationToken">Cancelled when nobody waits for the answer any more.</param>
    public ValueTask<Judgement> JudgeAsync(in Facts facts, Exchange exchange, RuleTrace? trace, CancellationToken cancellationToken)
    {
        var walk = new Walk(runtime.Current);
        return Advance(ref walk, facts, exchange, trace) is { } judgement
            ? new ValueTask<Judgement>(judgement)
            : AskAsync(walk, facts, exchange, trace, cancellationToken);
    }

    /// <summary>Goes on where a rule hands the question to a filter of a program's own.</summary>
    private async ValueTask<Judgement> AskAsync(Walk walk, Facts facts, Exchange exchange, RuleTrace? trace, CancellationToken cancellationToken)
    {
        while (true)
        {
            var rule = walk.Asks!;

            // A question has no head and no time of the filter's own to offer: what the filter would say is said by traffic only.
            if (trace is null)
            {
                recorder.Decided(rule);
                var (refusal, isAllowed) = await filters.OnRequestAsync(rule, walk.Snapshot, facts, exchange, cancellationToken);
                if (refusal is not null)
                {
                    return Conclude(ref walk, exchange, new Judgement(FilterAction.Deny, rule, refusal));
                }

                if (isAllowed)
                {
                    return Conclude(ref walk, exchange, Judgement.Allowed(rule));
                }
            }

            if (Advance(ref walk, facts, exchange, trace) is { } judgement)
            {
                return judgement;
            }
        }
    }

    /// <summary>Goes on to the next rule that decides, or that asks a filter; <see langword="null"/> for the latter.</summary>
    private Judgement? Advance(ref Walk walk, in Facts facts, Exchange exchange, RuleTrace? trace)
    {
        var snapshot = walk.Snapshot;
        while (true)
        {
            var rule = snapshot.Requests.FirstMatch(facts, walk.Next, out var outcome);
            trace?.Passed(snapshot.Requests, walk.Next, rule, facts);
            if (rule is null)
            {
                return Default(ref walk, exchange, trace);
            }

            walk.Next = rule.Index + 1;
            if (outcome == Outcome.Unknown)
            {
                // The address decides, and is not known before the gateway dials.
                var pending = walk.Pending ??= new AddressVerdicts(exchange, recorder, trace);
                if (pending.Add(rule, facts, reports: rule.ReportsOnly || snapshot.ReportsOnly))
                {
                    trace?.Met(rule, RuleFate.AsksAddress);
                }
                else
                {
                    trace?.Missed(rule, facts);
                }

                continue;
            }

            if (rule.Action.Kind == FilterAction.Rewrite && !facts.IsForward)
            {
                trace?.Met(rule, RuleFate.NotHere);
                continue; // where a reverse request goes is for routes and clusters to say
            }

            var enforced = !(rule.ReportsOnly || snapshot.ReportsOnly);
            if (!enforced)
            {
                Report(rule, exchange, trace);
                if (rule.Action.Decides && !rule.ReportsOnly)
                {
                    return Judgement.Allowed(rule: null); // the section would have ended here
                }

                continue;
            }

            if (rule.Action.Kind == FilterAction.Filter)
            {
                trace?.Met(rule, RuleFate.AsksFilter);
                walk.Asks = rule;
                return null;
            }

            if (trace is null)
            {
                recorder.Decided(rule);
            }
            else
            {
                trace.Met(rule, rule.Action.Decides ? RuleFate.Decides : RuleFate.Applies);
            }

            if (rule.Action.Decides)
            {
                return Conclude(ref walk, exchange, new Judgement(rule.Action.Kind, rule, rule.Action.Kind is FilterAction.Allow or FilterAction.Rewrite ? null : rule.Action.Refusal));
            }

            RuleEffects.Apply(rule.Action, facts.Headers, exchange);
        }
    }

    private Judgement Default(ref Walk walk, Exchange exchange, RuleTrace? trace)
    {
        var snapshot = walk.Snapshot;
        if (snapshot.ReportsOnly)
        {
            if (trace is null)
            {
                recorder.ReportedDefault(snapshot.Default, exchange);
            }

            return Conclude(ref walk, exchange, Judgement.Allowed(rule: null));
        }

        if (trace is null)
        {
            recorder.DecidedByDefault(snapshot.Default);
        }

        return Conclude(ref walk, exchange, new Judgement(
            snapshot.Default == FilterDefault.Allow ? FilterAction.Allow : FilterAction.Deny, Rule: null, snapshot.DefaultRefusal));
    }

    /// <summary>Hands what the address decides to whoever dials. A refusal stands at once, unless an address could lift it.</summary>
    private static Judgement Conclude(ref Walk walk, Exchange exchange, Judgement judgement)
    {
        if (walk.Pending is not { IsEmpty: false } pending || judgement.Action == FilterAction.Redirect || (judgement.Refusal is not null && !pending.MayAllow))
        {
            return judgement;
        }

        pending.Otherwise(judgement.Refusal);
        exchange.AddressCondition = pending;
        return judgement.Refusal is null ? judgement : Judgement.Allowed(judgement.Rule);
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

    /// <summary>How far the rules have been asked.</summary>
    private struct Walk(FilteringSnapshot snapshot)
    {
        public FilteringSnapshot Snapshot { get; } = snapshot;

        public int Next { get; set; }

        public AddressVerdicts? Pending { get; set; }

        public Rule? Asks { get; set; }
    }
}
