using PyProxy.Gateway.Limits.Plans;
using StackExchange.Redis;

namespace PyProxy.Gateway.Limits.Redis;

/// <summary>What of one decision has to be asked of Redis.</summary>
internal sealed class SharedAsk
{
    public List<SharedAskPart> Parts { get; } = [];

    public void Rate(SharedSubject subject, SharedGroup shape, int index) => PartOf(subject, shape).Rates.Add(index);

    public void Hold(SharedSubject subject, SharedGroup shape, Limit limit) => PartOf(subject, shape).Held = limit;

    /// <summary>The parts whose keys may stand in one script: all, or in a cluster those of one hash tag.</summary>
    public IEnumerable<IReadOnlyList<SharedAskPart>> Calls(bool isCluster)
        => isCluster && Parts.Count > 1
            ? Parts.GroupBy(static part => SharedKeyNames.TagOf(part.Subject.Key), StringComparer.Ordinal).Select(static same => same.ToList())
            : [Parts];

    private SharedAskPart PartOf(SharedSubject subject, SharedGroup shape)
    {
        if (Parts.Count == 0 || !ReferenceEquals(Parts[^1].Subject, subject))
        {
            Parts.Add(new SharedAskPart(subject, shape));
        }

        return Parts[^1];
    }
}

/// <summary>What is asked about one subject.</summary>
internal sealed class SharedAskPart(SharedSubject subject, SharedGroup shape)
{
    private bool[]? _asksAhead;

    public SharedSubject Subject { get; } = subject;

    public SharedGroup Shape { get; } = shape;

    /// <summary>Indexes of the rates that are asked for.</summary>
    public List<int> Rates { get; } = [];

    /// <summary>Per rate whether this question asks for permits in advance.</summary>
    public bool[] AsksAhead => _asksAhead ??= new bool[Rates.Count];

    /// <summary>What is to be held.</summary>
    public Limit? Held { get; set; }

    /// <summary>How many numbers the answer has for it.</summary>
    public int AnswerLength => (Rates.Count * 3) + 1;

    public void AddKeys(List<RedisKey> keys)
    {
        keys.Add(Subject.RatesKey);
        keys.Add(Subject.HeldKey);
    }
}
