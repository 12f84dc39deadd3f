using System.Net;
using PyProxy.Gateway.Filtering.Matching;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Filtering.Rules;

/// <summary>What became of a rule that was looked at for a question.</summary>
internal enum RuleFate
{
    /// <summary>It does not match.</summary>
    NoMatch = 0,

    /// <summary>It matches and decides; no later rule is asked.</summary>
    Decides,

    /// <summary>It matches and has its effect; the rules after it are asked.</summary>
    Applies,

    /// <summary>It matches and only reports.</summary>
    Reports,

    /// <summary>The address decides, which is known when the gateway dials.</summary>
    AsksAddress,

    /// <summary>It hands the question to a filter of a program's own, which only traffic asks.</summary>
    AsksFilter,

    /// <summary>It matches, and its action means nothing on this way in.</summary>
    NotHere,
}

/// <summary>One rule that was looked at for a question.</summary>
/// <param name="Rule">The rule.</param>
/// <param name="Fate">What became of it.</param>
/// <param name="Reasons">Of a rule that does not match, the conditions that do not hold.</param>
internal sealed record LookedAt(Rule Rule, RuleFate Fate, IReadOnlyList<UnmetCondition> Reasons);

/// <param name="Path">Where the condition stands, as a configuration path.</param>
/// <param name="IsKnown">Whether what it asks for is known of the exchange.</param>
/// <param name="Asked">What it was compared with.</param>
internal sealed record UnmetCondition(string Path, bool IsKnown, string Asked);

/// <param name="Address">One that the host resolves to.</param>
/// <param name="Rule">The rule that decides about it; <see langword="null"/> where none about addresses does.</param>
/// <param name="Refusal">Why it is not dialed; <see langword="null"/> where it may be.</param>
/// <param name="Reported">Rules that match and only report.</param>
internal sealed record VettedAddress(IPAddress Address, Rule? Rule, ProxyError? Refusal, IReadOnlyList<Rule> Reported);

/// <summary>
/// Follows the rules on behalf of somebody who asks without traffic: which were looked at, and why they did not match. Where there is one, no rule
/// counts a match and nothing is logged.
/// </summary>
internal sealed class RuleTrace
{
    private readonly List<LookedAt> _rules = [];
    private readonly List<VettedAddress> _addresses = [];

    public IReadOnlyList<LookedAt> Rules => _rules;

    public IReadOnlyList<VettedAddress> Addresses => _addresses;

    /// <summary>Records the rules from <paramref name="from"/> up to the one that was found: they do not match.</summary>
    public void Passed(RuleSet rules, int from, Rule? found, in Facts facts)
    {
        for (var i = from; i < (found?.Index ?? rules.All.Count); i++)
        {
            Missed(rules.All[i], facts);
        }
    }

    /// <summary>A rule does not match.</summary>
    public void Missed(Rule rule, in Facts facts)
    {
        List<UnmetCondition> reasons = [];
        Explain(rule.Condition, facts, reasons);
        _rules.Add(new LookedAt(rule, RuleFate.NoMatch, reasons));
    }

    /// <summary>A rule matches, or may.</summary>
    public void Met(Rule rule, RuleFate fate) => _rules.Add(new LookedAt(rule, fate, []));

    /// <summary>An address was asked about.</summary>
    public void Vetted(VettedAddress address) => _addresses.Add(address);

    private static void Explain(Condition condition, in Facts facts, List<UnmetCondition> reasons)
    {
        if (condition.Evaluate(facts) is var outcome && outcome == Outcome.Yes)
        {
            return;
        }

        if (condition is NotCondition not)
        {
            // Its part holds, or is not known: which of the part's own conditions do is told by the part.
            reasons.Add(new UnmetCondition(condition.Path, outcome == Outcome.No, Held(not.Parts[0], facts)));
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
            reasons.Add(new UnmetCondition(condition.Path, outcome == Outcome.No, condition.Asked(facts)));
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
