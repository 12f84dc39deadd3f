using PyProxy.Gateway.Filtering.Matching;

namespace PyProxy.Gateway.Filtering.Rules;

/// <summary>One rule that was looked at for a question.</summary>
/// <param name="Rule">The rule.</param>
/// <param name="Outcome">Whether it matched; <see cref="Matching.Outcome.Unknown"/> where the address will tell.</param>
/// <param name="Reasons">Of a rule that did not match, the conditions that did not hold.</param>
internal sealed record LookedAt(Rule Rule, Outcome Outcome, IReadOnlyList<UnmetCondition> Reasons);

/// <param name="Path">Where the condition stands, as a configuration path.</param>
/// <param name="Outcome">No, or Unknown.</param>
/// <param name="Asked">What it was compared with.</param>
internal sealed record UnmetCondition(string Path, Outcome Outcome, string Asked);

/// <summary>
/// Follows the rules on behalf of somebody who asks without traffic: which were looked at, and why they did not match. Where there is one, nothing
/// is counted or logged.
/// </summary>
internal sealed class RuleTrace
{
    private readonly List<LookedAt> _rules = [];

    public IReadOnlyList<LookedAt> Rules => _rules;

    /// <summary>Records the rules from <paramref name="from"/> up to the one that was found.</summary>
    public void Follow(RuleSet rules, int from, Rule? found, Outcome outcome, in Facts facts)
    {
        for (var i = from; i < (found?.Index ?? rules.All.Count); i++)
        {
            List<UnmetCondition> reasons = [];
            Explain(rules.All[i].Condition, facts, reasons);
            _rules.Add(new LookedAt(rules.All[i], Outcome.No, reasons));
        }

        if (found is not null)
        {
            _rules.Add(new LookedAt(found, outcome, []));
        }
    }

    private static void Explain(Condition condition, in Facts facts, List<UnmetCondition> reasons)
    {
        if (condition.Evaluate(facts) is var outcome && outcome == Outcome.Yes)
        {
            return;
        }

        if (condition is NotCondition not)
        {
            // Its part holds, or is not known: which of the part's own conditions do is told by the part.
            reasons.Add(new UnmetCondition(condition.Path, outcome, Held(not.Parts[0], facts)));
        }
        else if (condition.Parts.Count > 0)
        {
            foreach (var part in condition.Parts)
            {
                Explain(part, facts, reasons);
            }
        }
        else
        {
            reasons.Add(new UnmetCondition(condition.Path, outcome, condition.Asked(facts)));
        }
    }

    private static string Held(Condition condition, in Facts facts)
    {
        if (condition.Parts.Count == 0)
        {
            return condition.Asked(facts);
        }

        var words = new List<string>();
        foreach (var part in condition.Parts)
        {
            if (part.Evaluate(facts) != Outcome.No)
            {
                words.Add(Held(part, facts));
            }
        }

        return string.Join(", ", words);
    }
}
