namespace PyProxy.Gateway.Limits;

/// <summary>
/// The token buckets of one subject under one plan, one per rate. Refilled by elapsed time when asked, so idle ones cost nothing and the
/// clock is <see cref="TimeProvider"/>'s; the framework's own bucket reads the system's clock and wants a timer.
/// </summary>
internal sealed class TokenBuckets
{
    private readonly Lock _lock = new();
    private readonly Rate[] _rates;
    private readonly double[] _tokens;
    private long _refilledAt;
    private bool _retired;

    public TokenBuckets(Rate[] rates, long now)
    {
        _rates = rates;
        _tokens = new double[rates.Length];
        for (var i = 0; i < rates.Length; i++)
        {
            _tokens[i] = rates[i].Burst;
        }

        _refilledAt = now;
    }

    /// <summary>
    /// Takes a permit from every bucket that has one, also when another has none: refused requests count, or hammering would be free.
    /// </summary>
    /// <param name="now">Timestamp of <paramref name="time"/>.</param>
    /// <param name="time">The clock.</param>
    /// <param name="limit">The rate that refused and needs longest to allow again; <see langword="null"/> when none refused.</param>
    /// <param name="retryAfter">When that rate has a permit again.</param>
    /// <returns>False when these buckets were dropped meanwhile: the caller looks the subject up again.</returns>
    public bool TryTake(long now, TimeProvider time, out Rate? limit, out TimeSpan retryAfter)
    {
        limit = null;
        retryAfter = default;
        lock (_lock)
        {
            if (_retired)
            {
                return false;
            }

            Refill(now, time);
            var longest = 0.0;
            for (var i = 0; i < _rates.Length; i++)
            {
                if (_tokens[i] >= 1)
                {
                    _tokens[i]--;
                    continue;
                }

                var wait = (1 - _tokens[i]) / _rates[i].PerSecond;
                if (wait > longest)
                {
                    longest = wait;
                    limit = _rates[i];
                }
            }

            retryAfter = TimeSpan.FromSeconds(longest);
            return true;
        }
    }

    /// <summary>Marks full buckets as dropped: forgetting them changes no decision.</summary>
    public bool RetireIfFull(long now, TimeProvider time)
    {
        lock (_lock)
        {
            Refill(now, time);
            for (var i = 0; i < _rates.Length; i++)
            {
                if (_tokens[i] < _rates[i].Burst)
                {
                    return false;
                }
            }

            return _retired = true;
        }
    }

    private void Refill(long now, TimeProvider time)
    {
        if (now <= _refilledAt)
        {
            return; // another thread was here with a later look at the clock
        }

        var seconds = time.GetElapsedTime(_refilledAt, now).TotalSeconds;
        _refilledAt = now;
        for (var i = 0; i < _rates.Length; i++)
        {
            _tokens[i] = Math.Min(_rates[i].Burst, _tokens[i] + (seconds * _rates[i].PerSecond));
        }
    }
}
