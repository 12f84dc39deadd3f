using PyProxy.Gateway.Limits.Plans;

namespace PyProxy.Gateway.Limits.Quotas;

/// <summary>What one user has used of one quota in one period, as far as this gateway knows: what all had written, and what it has yet to write.</summary>
internal sealed class QuotaCounter(string name, QuotaLimit quota, QuotaPeriodRange period)
{
    private long _written;
    private long _raised;
    private long _pending;
    private long _sent;
    private volatile bool _isKnown;

    /// <summary>As the database knows it: user and quota.</summary>
    public string Name { get; } = name;

    /// <summary>The quota's numbers; a reload may change them.</summary>
    public QuotaLimit Quota { get; set; } = quota;

    public QuotaPeriodRange Period { get; } = period;

    /// <summary>Whether the database has been asked in this run.</summary>
    public bool IsKnown => _isKnown;

    public long Used => Interlocked.Read(ref _written) + Interlocked.Read(ref _sent) + Interlocked.Read(ref _pending);

    public long Amount => Quota.Amount + Interlocked.Read(ref _raised);

    public bool IsUsedUp => Used >= Amount;

    public void Add(long amount) => Interlocked.Add(ref _pending, amount);

    /// <summary>Takes what is to be written.</summary>
    public long Take()
    {
        var amount = Interlocked.Exchange(ref _pending, 0);
        Interlocked.Add(ref _sent, amount);
        return amount;
    }

    /// <summary>What was taken has been written, and this is what all together have.</summary>
    public void Written(long amount, QuotaState state)
    {
        Interlocked.Exchange(ref _written, state.Used);
        Interlocked.Exchange(ref _raised, state.Raised);
        Interlocked.Add(ref _sent, -amount);
        _isKnown = true;
    }
}
