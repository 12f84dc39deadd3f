using System.Collections.Frozen;
using System.Net;

namespace PyProxy.Gateway.Filtering;

/// <summary>One rule, compiled.</summary>
internal sealed record Rule(int Index, string Name, FilterAction Action, FilterMode Mode, IPNetwork[] Clients)
{
    public string Setting { get; } = FormattableString.Invariant($"Gateway:Filtering:Rules:{Index}");

    public bool MatchesClient(IPAddress? client)
    {
        if (Clients.Length == 0)
        {
            return true;
        }

        if (client is not null)
        {
            foreach (var range in Clients)
            {
                if (range.Contains(client))
                {
                    return true;
                }
            }
        }

        return false;
    }
}

/// <summary>
/// The rules of one configuration, indexed by host: an exchange looks at the rules that name its host, one of the suffixes above it, or no
/// host at all, and at no others.
/// </summary>
internal sealed class RuleSet
{
    private readonly FrozenDictionary<string, Rule[]> _byHost;
    private readonly FrozenDictionary<string, Rule[]>.AlternateLookup<ReadOnlySpan<char>> _bySuffix;
    private readonly Rule[] _forAnyHost;

    public RuleSet(FilteringOptions options)
    {
        Default = options.Default;
        var hosts = new Dictionary<string, List<Rule>>(StringComparer.Ordinal);
        var suffixes = new Dictionary<string, List<Rule>>(StringComparer.Ordinal);
        var forAnyHost = new List<Rule>();
        for (var i = 0; i < options.Rules.Count; i++)
        {
            var match = options.Rules[i].Match;
            var rule = Compile(i, options.Rules[i]);
            if (match.Hosts.Count == 0)
            {
                forAnyHost.Add(rule);
            }

            foreach (var text in match.Hosts)
            {
                var pattern = HostPattern.TryParse(text, out var parsed) ? parsed : throw NotValidated(i);
                Add(pattern.IsSuffix ? suffixes : hosts, pattern.Host, rule);
            }
        }

        _byHost = Freeze(hosts);
        _bySuffix = Freeze(suffixes).GetAlternateLookup<ReadOnlySpan<char>>();
        _forAnyHost = [.. forAnyHost];
    }

    public FilterAction Default { get; }

    /// <summary>The first rule from <paramref name="from"/> on that matches; <see langword="null"/> where none does.</summary>
    /// <param name="host">Canonical host; empty where the client named none.</param>
    /// <param name="client">The client's address, IPv4 as such.</param>
    /// <param name="from">Index of the first rule to look at.</param>
    public Rule? FirstMatch(string host, IPAddress? client, int from)
    {
        var best = First(_forAnyHost, client, from, best: null);
        if (_byHost.TryGetValue(host, out var rules))
        {
            best = First(rules, client, from, best);
        }

        // Each suffix that begins after a dot: for a.b.example also b.example and example. At most 127 labels (RFC 1035).
        var rest = host.AsSpan();
        for (var dot = rest.IndexOf('.'); dot >= 0; dot = rest.IndexOf('.'))
        {
            rest = rest[(dot + 1)..];
            if (_bySuffix.TryGetValue(rest, out rules))
            {
                best = First(rules, client, from, best);
            }
        }

        return best;
    }

    private static Rule? First(Rule[] rules, IPAddress? client, int from, Rule? best)
    {
        foreach (var rule in rules)
        {
            if (best is not null && rule.Index >= best.Index)
            {
                break; // in order, so nothing earlier follows
            }

            if (rule.Index >= from && rule.MatchesClient(client))
            {
                return rule;
            }
        }

        return best;
    }

    private static Rule Compile(int index, RuleOptions rule)
    {
        var clients = new IPNetwork[rule.Match.ClientAddresses.Count];
        for (var i = 0; i < clients.Length; i++)
        {
            clients[i] = ClientRange.TryParse(rule.Match.ClientAddresses[i], out var range) ? range : throw NotValidated(index);
        }

        return new Rule(index, rule.Name, rule.Action ?? throw NotValidated(index), rule.Mode, clients);
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

    // Leaving such a rule out could open what it was to close.
    private static InvalidOperationException NotValidated(int index) => new($"Gateway:Filtering:Rules:{index} was not validated.");
}
