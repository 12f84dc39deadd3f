using System.Collections.Frozen;
using PyProxy.Gateway.Filtering.Matching;

namespace PyProxy.Gateway.Filtering.Rules;

/// <summary>
/// The rules of one phase, indexed by host: an exchange looks at the rules that name its host, one of the suffixes above it, or no
/// host at all, and at no others.
/// </summary>
internal sealed class RuleSet
{
    private readonly FrozenDictionary<string, Rule[]> _byHost;
    private readonly FrozenDictionary<string, Rule[]>.AlternateLookup<ReadOnlySpan<char>> _bySuffix;
    private readonly Rule[] _forAnyHost;

    public RuleSet(IReadOnlyList<Rule> rules)
    {
        All = rules;
        var hosts = new Dictionary<string, List<Rule>>(StringComparer.Ordinal);
        var suffixes = new Dictionary<string, List<Rule>>(StringComparer.Ordinal);
        var forAnyHost = new List<Rule>();
        foreach (var rule in rules)
        {
            if (HostsOf(rule.Condition) is not { } patterns)
            {
                forAnyHost.Add(rule);
                continue;
            }

            foreach (var pattern in patterns)
            {
                Add(pattern.IsSuffix ? suffixes : hosts, pattern.Host, rule);
            }
        }

        _byHost = Freeze(hosts);
        _bySuffix = Freeze(suffixes).GetAlternateLookup<ReadOnlySpan<char>>();
        _forAnyHost = [.. forAnyHost];
    }

    public IReadOnlyList<Rule> All { get; }

    /// <summary>The first rule from <paramref name="from"/> on that matches, or may once the address is known; <see langword="null"/> where none does.</summary>
    /// <param name="facts">What is asked.</param>
    /// <param name="from">Index of the first rule to look at.</param>
    /// <param name="outcome"><see cref="Outcome.Yes"/>, or <see cref="Outcome.Unknown"/> where the address decides.</param>
    public Rule? FirstMatch(in Facts facts, int from, out Outcome outcome)
    {
        outcome = Outcome.No;
        var best = First(_forAnyHost, facts, from, best: null, ref outcome);
        if (_byHost.TryGetValue(facts.Host, out var rules))
        {
            best = First(rules, facts, from, best, ref outcome);
        }

        // Each suffix that begins after a dot: for a.b.example also b.example and example. At most 127 labels (RFC 1035).
        var rest = facts.Host.AsSpan();
        for (var dot = rest.IndexOf('.'); dot >= 0; dot = rest.IndexOf('.'))
        {
            rest = rest[(dot + 1)..];
            if (_bySuffix.TryGetValue(rest, out rules))
            {
                best = First(rules, facts, from, best, ref outcome);
            }
        }

        return best;
    }

    private static Rule? First(Rule[] rules, in Facts facts, int from, Rule? best, ref Outcome outcome)
    {
        foreach (var rule in rules)
        {
            if (best is not null && rule.Index >= best.Index)
            {
                break; // in order, so nothing earlier follows
            }

            if (rule.Index >= from && rule.Evaluate(facts) is var found and not Outcome.No)
            {
                outcome = found;
                return rule;
            }
        }

        return best;
    }

    /// <summary>Hosts outside which a condition cannot hold; <see langword="null"/> where it names none.</summary>
    private static IReadOnlyCollection<HostPattern>? HostsOf(Condition condition)
    {
        switch (condition)
        {
            case HostCondition hosts:
                return hosts.Patterns;
            case AllCondition all:
                return all.Parts.Select(HostsOf).FirstOrDefault(static patterns => patterns is not null);
            case AnyCondition any:
                var alternatives = any.Parts.Select(HostsOf).ToList();
                return alternatives.TrueForAll(static patterns => patterns is not null) ? [.. alternatives.SelectMany(static patterns => patterns!)] : null;
            default:
                return null;
        }
    }

    private static void Add(Dictionary<string, List<Rule>> index, string host, Rule rule)
    {
        if (!index.TryGetValue(host, out var rules))
        {
            index.Add(host, rules = []);
        }

        if (rules.Count == 0 || rules[^1] != rule)
        {
            rules.Add(rule);
        }
    }

    private static FrozenDictionary<string, Rule[]> Freeze(Dictionary<string, List<Rule>> index)
        => index.ToFrozenDictionary(entry => entry.Key, entry => entry.Value.ToArray(), StringComparer.Ordinal);
}
