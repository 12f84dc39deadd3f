using System.Net;
using PyProxy.Gateway.Filtering.Matching;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Filtering.Rules;

/// <summary>
/// The rules of one exchange that the address decides, in order, and what holds where none of them matches. All else about them is settled: what
/// is kept of each is a truth table over its conditions about the address, so that no head outlives its request.
/// </summary>
/// <param name="exchange">The exchange.</param>
/// <param name="recorder">Counts what the rules do.</param>
/// <param name="trace">Of a question without traffic, in place of counting; <see langword="null"/> on the way of a request.</param>
internal sealed class AddressVerdicts(Exchange exchange, FilteringRecorder recorder, RuleTrace? trace) : IAddressCondition
{
    private readonly List<Entry> _entries = [];
    private ProxyError? _otherwise;

    /// <summary>Whether an address can open what would be refused otherwise.</summary>
    public bool MayAllow => _entries.Exists(static entry => entry is { Reports: false, Rule.Action.Kind: FilterAction.Allow });

    public bool IsEmpty => _entries.Count == 0;

    /// <param name="rule">A rule about addresses.</param>
    /// <param name="facts">What is known of the exchange.</param>
    /// <param name="reports">Whether the rule has no effect.</param>
    /// <returns>False where no address could make the rule match.</returns>
    public bool Add(Rule rule, in Facts facts, bool reports)
    {
        uint table = 0;
        for (var supposed = 0u; supposed < 1u << rule.AddressConditions.Length; supposed++)
        {
            if (rule.Condition.Evaluate(facts with { SupposedAddress = supposed }) == Outcome.Yes)
            {
                table |= 1u << (int)supposed;
            }
        }

        if (table == 0)
        {
            return false;
        }

        _entries.Add(new Entry(rule, table, reports, ContentsOf(rule)));
        return true;
    }

    /// <summary>What holds where no rule matches: the refusal, or <see langword="null"/> for none.</summary>
    public void Otherwise(ProxyError? refusal) => _otherwise = refusal;

    public ProxyError? Vet(List<IPEndPoint> endPoints)
    {
        ProxyError? refusal = null;
        Rule? refusing = null;
        Rule? allowing = null;
        for (var i = endPoints.Count - 1; i >= 0; i--)
        {
            if (Judge(endPoints[i].Address, out var rule) is { } error)
            {
                refusal = error;
                refusing = rule;
                endPoints.RemoveAt(i);
            }
            else
            {
                allowing = rule;
            }
        }

        if (endPoints.Count > 0)
        {
            if (allowing is not null && trace is null)
            {
                recorder.Decided(allowing);
            }

            return null;
        }

        if (refusing is not null && trace is null)
        {
            recorder.Decided(refusing);
        }

        return refusal;
    }

    /// <summary>What holds for one address.</summary>
    /// <param name="address">An address that the host resolves to.</param>
    /// <param name="rule">The rule that decides; <see langword="null"/> where none of these does.</param>
    public ProxyError? Judge(IPAddress address, out Rule? rule)
    {
        List<Rule>? reported = null;
        rule = null;
        foreach (var entry in _entries)
        {
            if (!entry.Matches(address))
            {
                continue;
            }

            if (!entry.Reports)
            {
                rule = entry.Rule;
                break;
            }

            if (trace is null)
            {
                recorder.Reported(entry.Rule, exchange);
            }
            else
            {
                (reported ??= []).Add(entry.Rule);
            }
        }

        var refusal = rule is null ? _otherwise : rule.Action.Kind == FilterAction.Allow ? null : rule.Action.Refusal;
        trace?.Vetted(new VettedAddress(address, rule, refusal, reported ?? []));
        return refusal;
    }

    public bool Equals(IAddressCondition? other)
    {
        if (other is not AddressVerdicts verdicts || !Equals(_otherwise, verdicts._otherwise) || _entries.Count != verdicts._entries.Count)
        {
            return false;
        }

        for (var i = 0; i < _entries.Count; i++)
        {
            if (!_entries[i].Equals(verdicts._entries[i]))
            {
                return false;
            }
        }

        return true;
    }

    public override bool Equals(object? obj) => Equals(obj as IAddressCondition);

    public override int GetHashCode()
    {
        var hash = default(HashCode);
        foreach (var entry in _entries)
        {
            hash.Add(entry.Rule);
            hash.Add(entry.Table);
        }

        return hash.ToHashCode();
    }

    /// <summary>A list that has been read anew is another object, and brings new connections.</summary>
    private static ListContent[] ContentsOf(Rule rule)
    {
        List<ListContent> contents = [];
        foreach (var condition in rule.AddressConditions)
        {
            if (condition is AddressListCondition ofLists)
            {
                contents.AddRange(ofLists.Lists.Select(static list => list.Content));
            }
        }

        return [.. contents];
    }

    private sealed class Entry(Rule rule, uint table, bool reports, ListContent[] contents) : IEquatable<Entry>
    {
        public Rule Rule { get; } = rule;

        public uint Table { get; } = table;

        public bool Reports { get; } = reports;

        private ListContent[] Contents { get; } = contents;

        public bool Matches(IPAddress address)
        {
            var said = 0;
            foreach (var condition in Rule.AddressConditions)
            {
                said |= condition.Holds(address) ? 1 << condition.Bit : 0;
            }

            return ((Table >> said) & 1) == 1;
        }

        public bool Equals(Entry? other)
            => other is not null && Rule == other.Rule && Table == other.Table && Reports == other.Reports
                && Contents.AsSpan().SequenceEqual(other.Contents, ReferenceEqualityComparer.Instance);

        public override bool Equals(object? obj) => Equals(obj as Entry);

        public override int GetHashCode() => HashCode.Combine(Rule, Table);
    }
}
