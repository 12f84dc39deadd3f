using System.Runtime.CompilerServices;

namespace PyProxy.Gateway.Limits.Redis;

/// <summary>What one exchange holds. One per plan at most, for a plan's limits on what is held have one key.</summary>
internal struct SharedPermits
{
    private Slots _slots;

    public int Count { get; private set; }

    public readonly SharedPermit this[int index] => _slots[index];

    public void Add(SharedPermit? permit)
    {
        if (permit is not null)
        {
            _slots[Count++] = permit;
        }
    }

    public readonly SharedPermit[] ToArray() => ((ReadOnlySpan<SharedPermit>)_slots)[..Count].ToArray();

    [InlineArray(LimitAttempt.MaxPlans)]
    private struct Slots
    {
        private SharedPermit _first;
    }
}

/// <summary>One request or tunnel that is held, to be given back once.</summary>
internal sealed record SharedPermit(SharedSubject Subject, bool IsTunnel);
