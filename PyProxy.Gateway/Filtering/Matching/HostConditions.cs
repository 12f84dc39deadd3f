using System.Collections.Frozen;
using System.Text.RegularExpressions;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Filtering.Matching;

/// <summary>The host asked for is one of several, or below one of several.</summary>
internal sealed class HostCondition : Condition
{
    private readonly FrozenSet<string> _hosts;
    private readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> _suffixes;
    private readonly bool _hasSuffixes;

    public HostCondition(string path, IReadOnlyCollection<HostPattern> patterns)
        : base(path)
    {
        Patterns = patterns;
        _hosts = patterns.Where(p => !p.IsSuffix).Select(p => p.Host).ToFrozenSet(StringComparer.Ordinal);
        var suffixes = patterns.Where(p => p.IsSuffix).Select(p => p.Host).ToFrozenSet(StringComparer.Ordinal);
        _suffixes = suffixes.GetAlternateLookup<ReadOnlySpan<char>>();
        _hasSuffixes = suffixes.Count > 0;
    }

    /// <summary>What rules are indexed by.</summary>
    public IReadOnlyCollection<HostPattern> Patterns { get; }

    public override Outcome Evaluate(in Facts facts)
        => _hosts.Contains(facts.Host) || (_hasSuffixes && HasSuffix(facts.Host)) ? Outcome.Yes : Outcome.No;

    public override string Asked(in Facts facts) => HostText.Of(facts);

    private bool HasSuffix(string host)
    {
        // Each suffix that begins after a dot: for a.b.example also b.example and example. At most 127 labels (RFC 1035).
        var rest = host.AsSpan();
        for (var dot = rest.IndexOf('.'); dot >= 0; dot = rest.IndexOf('.'))
        {
            rest = rest[(dot + 1)..];
            if (_suffixes.Contains(rest))
            {
                return true;
            }
        }

        return false;
    }
}

/// <summary>A list has the host asked for: its name, or its address where the client asked for an address.</summary>
internal sealed class HostListCondition(string path, ListSlot[] lists) : Condition(path)
{
    public override Outcome Evaluate(in Facts facts)
    {
        if (facts.Host.Length == 0)
        {
            return Outcome.No;
        }

        new HostPort(facts.Host, 1).TryGetAddress(out var address);
        foreach (var list in lists)
        {
            var content = list.Content;
            if ((content.Hosts is { } hosts && hosts.Contains(facts.Host))
                || (address is not null && content.Addresses is { } addresses && addresses.Contains(address)))
            {
                return Outcome.Yes;
            }
        }

        return Outcome.No;
    }

    public override string Asked(in Facts facts) => HostText.Of(facts);
}

/// <summary>The host asked for fits a regular expression.</summary>
internal sealed class HostRegexCondition(string path, Regex[] expressions) : Condition(path)
{
    public override Outcome Evaluate(in Facts facts)
    {
        foreach (var expression in expressions) // a host has at most 253 characters
        {
            if (expression.IsMatch(facts.Host))
            {
                return Outcome.Yes;
            }
        }

        return Outcome.No;
    }

    public override string Asked(in Facts facts) => HostText.Of(facts);
}

/// <summary>The port asked for lies in one of several ranges.</summary>
internal sealed class PortCondition(string path, PortRange[] ranges) : Condition(path)
{
    public override Outcome Evaluate(in Facts facts)
    {
        if (facts.Port == 0)
        {
            return Outcome.Unknown;
        }

        foreach (var range in ranges)
        {
            if (facts.Port >= range.First && facts.Port <= range.Last)
            {
                return Outcome.Yes;
            }
        }

        return Outcome.No;
    }

    public override string Asked(in Facts facts) => facts.Port == 0 ? "no port" : FormattableString.Invariant($"{facts.Port}");
}

/// <param name="First">The least number.</param>
/// <param name="Last">The greatest number.</param>
internal readonly record struct PortRange(int First, int Last);

internal static class HostText
{
    public static string Of(in Facts facts) => facts.Host.Length == 0 ? "no host" : facts.Host;
}
