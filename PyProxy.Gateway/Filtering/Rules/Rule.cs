using PyProxy.Gateway.Filtering.Matching;

namespace PyProxy.Gateway.Filtering.Rules;

/// <summary>One rule, compiled.</summary>
internal sealed class Rule
{
    private readonly DialedAddressCondition[] _addressConditions;

    public Rule(int index, string name, string setting, bool reportsOnly, Condition condition, RuleAction action, RuleHit hits)
    {
        Index = index;
        Name = name;
        Setting = setting;
        ReportsOnly = reportsOnly;
        Condition = condition;
        Action = action;
        Hits = hits;
        _addressConditions = [.. AddressConditionsOf(condition)];
        for (var i = 0; i < _addressConditions.Length; i++)
        {
            _addressConditions[i].Bit = i;
        }
    }

    /// <summary>Place among its phase's rules.</summary>
    public int Index { get; }

    public string Name { get; }

    /// <summary>Configuration path.</summary>
    public string Setting { get; }

    public bool ReportsOnly { get; }

    public Condition Condition { get; }

    public RuleAction Action { get; }

    public RuleHit Hits { get; }

    /// <summary>Whether it may depend on the address that the host resolves to.</summary>
    public bool AsksAddress => _addressConditions.Length > 0;

    /// <summary>In the order of their bits.</summary>
    public ReadOnlySpan<DialedAddressCondition> AddressConditions => _addressConditions;

    public static IEnumerable<DialedAddressCondition> AddressConditionsOf(Condition condition)
        => condition is DialedAddressCondition address ? [address] : condition.Parts.SelectMany(AddressConditionsOf);

    /// <summary><see cref="Outcome.Unknown"/> only where the dialer will know more.</summary>
    public Outcome Evaluate(in Facts facts)
    {
        var outcome = Condition.Evaluate(facts);
        return outcome == Outcome.Unknown && !(AsksAddress && facts is { IsForward: true, Address: null }) ? Outcome.No : outcome;
    }
}
