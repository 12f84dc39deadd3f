using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using PyProxy.Gateway.Limits.Plans;

namespace PyProxy.Gateway.Limits.Quotas;

/// <summary>What one user has used of one quota in one period, as far as this gateway knows: what all had written, and what it has yet to write.</summary>
internal sealed class QuotaCounter
{
    private readonly Lock _lock = new();
    private readonly BrakeOfAllPeriods _brake;
    private QuotaLimit _quota;
    private long _written;
    private long _raised;
    private long _pending;
    private long _sent;
    private long _lastUsed;
    private int _users;
    private volatile bool _isKnown;
    private volatile bool _isAsked;
    private bool _retired;

    public QuotaCounter(string user, QuotaLimit quota, QuotaPeriodRange period, QuotaCounter? previous = null)
    {
        User = user;
        Period = period;
        _quota = quota;
        _brake = previous?._brake ?? new BrakeOfAllPeriods(); // transfers that began in the period before go on under the same
    }

    public string User { get; }

    /// <summary>As the database knows it: user and quota.</summary>
    public string Name => NameOf(User, Quota);

    /// <summary>The quota's numbers; a reload may change them.</summary>
    public QuotaLimit Quota
    {
        get => Volatile.Read(ref _quota);
        set => Volatile.Write(ref _quota, value);
    }

    public QuotaPeriodRange Period { get; }

    /// <summary>Whether the database has been asked in this run.</summary>
    public bool IsKnown => _isKnown;

    public long Used => Interlocked.Read(ref _written) + Interlocked.Read(ref _sent) + Interlocked.Read(ref _pending);

    public long Raised => Interlocked.Read(ref _raised);

    public long Amount => Quota.Amount + Raised;

    public bool IsUsedUp => Used >= Amount;

    /// <summary>The length in front: no name can be taken for another with a part of the quota's.</summary>
    public static string NameOf(string user, QuotaLimit quota)
        => string.Create(CultureInfo.InvariantCulture, $"{user.Length}:{user}|{quota.CounterName}");

    /// <summary>The other way round.</summary>
    public static bool TryParseUser(string name, QuotaLimit quota, [NotNullWhen(true)] out string? user)
    {
        var colon = name.IndexOf(':', StringComparison.Ordinal);
        user = null;
        if (colon < 0 || !int.TryParse(name.AsSpan(0, colon), NumberStyles.None, CultureInfo.InvariantCulture, out var length)
            || length > name.Length - colon - 1)
        {
            return false;
        }

        user = name.Substring(colon + 1, length);
        return name == NameOf(user, quota);
    }

    /// <summary>Keeps it from being forgotten until <see cref="Release"/>.</summary>
    /// <returns>False when it was forgotten meanwhile: the caller looks it up again.</returns>
    public bool TryUse()
    {
        lock (_lock)
        {
            _users += _retired ? 0 : 1;
            return !_retired;
        }
    }

    /// <param name="now">In ticks: whoever comes again within a minute need not ask the database again.</param>
    public void Release(long now)
    {
        lock (_lock)
        {
            _users--;
            _lastUsed = now;
        }
    }

    /// <summary>Marks it as forgotten if nobody has used it for a while and the database knows all of it, or its period is over.</summary>
    public bool RetireIfIdle(long before, bool isOver)
    {
        lock (_lock)
        {
            _retired = _users == 0 && _lastUsed < before
                && (isOver || (_isKnown && Interlocked.Read(ref _pending) == 0 && Interlocked.Read(ref _sent) == 0));
            if (_retired)
            {
                Volatile.Read(ref _brake.Brake)?.Dispose();
            }

            return _retired;
        }
    }

    public void Add(long amount) => Interlocked.Add(ref _pending, amount);

    /// <summary>Somebody was refused by it: the next writing asks what it says then, for it may have been raised elsewhere.</summary>
    public void Ask() => _isAsked = true;

    /// <summary>Takes what is to be written.</summary>
    /// <returns>Whether there is anything to write or to learn.</returns>
    public bool TryTake(out long amount)
    {
        amount = Interlocked.Exchange(ref _pending, 0);
        Interlocked.Add(ref _sent, amount);
        var isAsked = _isAsked;
        _isAsked = false;
        return amount != 0 || isAsked;
    }

    /// <summary>What was taken has been written, and this is what all together have.</summary>
    public void Written(long amount, QuotaState state)
    {
        Interlocked.Exchange(ref _written, state.Used);
        Interlocked.Exchange(ref _raised, state.Raised);
        Interlocked.Add(ref _sent, -amount);
        _isKnown = true;
    }

    /// <summary>What slows the user's transfers down at the end of the quota.</summary>
    public QuotaBrake BrakeOn(TimeProvider time)
        => Volatile.Read(ref _brake.Brake) ?? LazyInitializer.EnsureInitialized(ref _brake.Brake, () => new QuotaBrake(time));

    /// <summary>Sets the brake, where there is one, by what is used now.</summary>
    public void Brake() => Volatile.Read(ref _brake.Brake)?.Set(IsUsedUp ? Quota.Slow : null);

    /// <summary>What outlives a period.</summary>
    private sealed class BrakeOfAllPeriods
    {
        public QuotaBrake? Brake;
    }
}
