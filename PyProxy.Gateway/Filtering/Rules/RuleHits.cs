using System.Collections.Concurrent;

namespace PyProxy.Gateway.Filtering.Rules;

/// <summary>How often a rule has matched since the process began.</summary>
internal sealed class RuleHit(string name)
{
    private long _enforced;
    private long _reported;

    public string Name { get; } = name;

    /// <summary>Times it has had effect.</summary>
    public long Enforced => Volatile.Read(ref _enforced);

    /// <summary>Times it would have had effect, but only reports.</summary>
    public long Reported => Volatile.Read(ref _reported);

    public void Count(bool enforced) => Interlocked.Increment(ref enforced ? ref _enforced : ref _reported);
}

/// <summary>The counts by rule; a reload that keeps a rule's name keeps its count.</summary>
internal sealed class RuleHits
{
    private readonly ConcurrentDictionary<string, RuleHit> _hits = new(StringComparer.OrdinalIgnoreCase);

    public RuleHit Of(string name) => _hits.GetOrAdd(name, static key => new RuleHit(key));

    /// <summary>Forgets the rules that are no longer there: names come and go with the configuration.</summary>
    public void Keep(IReadOnlySet<string> names)
    {
        foreach (var name in _hits.Keys)
        {
            if (!names.Contains(name))
            {
                _hits.TryRemove(name, out _);
            }
        }
    }
}
