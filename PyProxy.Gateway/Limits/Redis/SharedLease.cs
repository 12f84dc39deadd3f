using PyProxy.Gateway.Limits.Plans;

namespace PyProxy.Gateway.Limits.Redis;

/// <summary>
/// What a gateway knows of one rate of one subject without asking: permits that it has in advance, and that the rate is used up. Times are ticks
/// of the engine's clock.
/// </summary>
internal struct SharedLease
{
    /// <summary>Permits in advance are good for so long: what lies with an idle gateway is missing elsewhere.</summary>
    public static readonly long Life = TimeSpan.TicksPerSecond;

    /// <summary>At the latest after so long a rate that was used up is asked for again: it may have been raised or reset.</summary>
    public static readonly long Memory = TimeSpan.TicksPerSecond;

    private int _permits;
    private int _ahead;
    private bool _asking;
    private long _goodUntil;
    private long _usedUpUntil;
    private long _askAgainAt;
    private long _owed;
    private long _left;
    private long _fullAt;

    /// <summary>Takes permits from those in advance.</summary>
    public bool TryTake(Limit limit, int permits, long now, out LimitDecision decision)
    {
        if (_permits < permits || now >= _goodUntil)
        {
            decision = default;
            return false;
        }

        _permits -= permits;
        decision = new LimitDecision(IsAllowed: true, limit, _left + _permits, Until(_fullAt, now));
        return true;
    }

    /// <summary>Whether the rate is known to be used up.</summary>
    public readonly bool IsUsedUp(Limit limit, long now, out LimitDecision decision)
    {
        decision = new LimitDecision(IsAllowed: false, limit, Left: 0, Until(_usedUpUntil, now));
        return now < _askAgainAt;
    }

    public readonly bool IsIdle(long now) => now >= _goodUntil && now >= _askAgainAt && !_asking;

    /// <summary>Notes permits to be paid with the next question: refused requests consume permits.</summary>
    public void Owe(int permits, long burst) => _owed = Math.Min(_owed + permits, burst);

    /// <summary>Begins a question.</summary>
    /// <param name="limit">The rate.</param>
    /// <param name="max">Permits that may be had in advance.</param>
    /// <param name="now">The time.</param>
    /// <param name="ahead">Permits to ask for in advance: twice as many as before where those were used up in time, half where not.</param>
    /// <param name="owed">Permits to pay; negative: to give back.</param>
    /// <returns>Whether this question is the one that may ask in advance; there is one at a time.</returns>
    public bool Ask(Limit limit, int max, long now, out int ahead, out long owed)
    {
        if (now >= _goodUntil)
        {
            // A window's permits cannot be given back: the part of it that they were taken from is not known any more.
            _owed -= limit.Algorithm == LimitAlgorithm.TokenBucket ? _permits : 0;
            _ahead = _permits > 0 || now >= _goodUntil + Life ? _ahead / 2 : _ahead;
            _permits = 0;
        }

        (owed, _owed) = (_owed, 0);
        ahead = 0;
        if (_asking)
        {
            return false;
        }

        if (now < _goodUntil)
        {
            _ahead = Math.Min(max, Math.Max(1, _ahead * 2));
        }

        ahead = _ahead;
        return _asking = true;
    }

    /// <summary>Ends a question that was answered.</summary>
    /// <param name="limit">The rate.</param>
    /// <param name="asked">What <see cref="Ask"/> returned.</param>
    /// <param name="permits">Permits that the request itself needs.</param>
    /// <param name="granted">Permits granted; 0: refused.</param>
    /// <param name="left">Permits left in Redis.</param>
    /// <param name="after">Refused: when there is a permit again. Granted: when all are back.</param>
    /// <param name="sent">When the question was sent: what is good for a while is so from then.</param>
    /// <param name="now">The time.</param>
    public LimitDecision Answered(Limit limit, bool asked, int permits, int granted, long left, TimeSpan after, long sent, long now)
    {
        _asking &= !asked;
        if (granted < permits)
        {
            _usedUpUntil = now + after.Ticks;
            _askAgainAt = Math.Min(_usedUpUntil, now + Memory);
            return new LimitDecision(IsAllowed: false, limit, Left: 0, after);
        }

        _permits += granted - permits;
        _goodUntil = sent + (limit.Algorithm == LimitAlgorithm.FixedWindow ? Math.Min(Life, after.Ticks) : Life);
        _askAgainAt = 0;
        _left = left;
        _fullAt = now + after.Ticks;
        return new LimitDecision(IsAllowed: true, limit, left + _permits, after);
    }

    /// <summary>Ends a question that was not answered.</summary>
    public void NotAnswered(bool asked) => _asking &= !asked;

    private static TimeSpan Until(long time, long now) => TimeSpan.FromTicks(Math.Max(0, time - now));
}
