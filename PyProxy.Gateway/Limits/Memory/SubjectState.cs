using PyProxy.Gateway.Limits.Plans;

namespace PyProxy.Gateway.Limits.Memory;

/// <summary>What one subject has used of one group of limits.</summary>
internal sealed class SubjectState(LimitGroup group)
{
    private readonly Lock _lock = new();
    private LimitGroup _group = group;
    private long[] _cells = new long[SizeOf(group)];
    private int _concurrent;
    private int _tunnels;
    private bool _retired;

    /// <summary>Takes from every limit of the group that has permits, also when another has none.</summary>
    /// <param name="group">As it is now: a reload may have changed its numbers.</param>
    /// <param name="attempt">What is asked for.</param>
    /// <param name="now">In ticks of UTC.</param>
    /// <param name="decision">What the group says.</param>
    /// <param name="held">Whether a permit is held now, to be given back by <see cref="Release"/>.</param>
    /// <returns>False when this state was dropped meanwhile: the caller looks the subject up again.</returns>
    public bool TryTake(LimitGroup group, LimitAttempt attempt, long now, out LimitDecision decision, out bool held)
    {
        decision = LimitDecision.Allowed;
        held = false;
        lock (_lock)
        {
            if (_retired)
            {
                return false;
            }

            if (!ReferenceEquals(_group, group))
            {
                Adopt(group, now);
            }

            // 1. What is charged and gone
            var cells = _cells.AsSpan();
            foreach (var limit in group.Limits)
            {
                if (!limit.IsHeld)
                {
                    var size = LimitCells.SizeOf(limit);
                    decision = LimitDecision.Combine(decision, LimitCells.Take(limit, cells[..size], now, attempt.Permits));
                    cells = cells[size..];
                }
            }

            // 2. What is held until the exchange ends
            if (group.HasHeld && !attempt.ChargesOnly)
            {
                held = TryHold(group, attempt.IsTunnel, ref decision);
            }

            return true;
        }
    }

    public void Release(bool isTunnel)
    {
        lock (_lock)
        {
            if (isTunnel)
            {
                _tunnels--;
            }
            else
            {
                _concurrent--;
            }
        }
    }

    /// <summary>Marks the state as dropped if nothing is used: forgetting it changes no decision.</summary>
    public bool RetireIfIdle(long now)
    {
        lock (_lock)
        {
            if (_concurrent > 0 || _tunnels > 0)
            {
                return false;
            }

            var cells = _cells.AsSpan();
            foreach (var limit in _group.Limits)
            {
                var size = LimitCells.SizeOf(limit);
                if (size > 0 && !LimitCells.IsIdle(limit, cells[..size], now))
                {
                    return false;
                }

                cells = cells[size..];
            }

            return _retired = true;
        }
    }

    /// <summary>How much of each limit is used.</summary>
    public LimitUse[] Look(long now)
    {
        lock (_lock)
        {
            var uses = new LimitUse[_group.Limits.Length];
            var cells = _cells.AsSpan();
            for (var i = 0; i < uses.Length; i++)
            {
                var limit = _group.Limits[i];
                if (limit.IsHeld)
                {
                    var inUse = limit.Algorithm == LimitAlgorithm.Tunnels ? _tunnels : _group.HasTunnels ? _concurrent : _concurrent + _tunnels;
                    uses[i] = new LimitUse(limit, limit.Amount - inUse, TimeSpan.Zero);
                    continue;
                }

                var size = LimitCells.SizeOf(limit);
                var none = LimitCells.Take(limit, cells[..size], now, permits: 0);
                uses[i] = new LimitUse(limit, none.Left, none.Left >= limit.Burst ? TimeSpan.Zero : none.After);
                cells = cells[size..];
            }

            return uses;
        }
    }

    /// <summary>Gives back all permits of the rates.</summary>
    public void Reset()
    {
        lock (_lock)
        {
            _cells.AsSpan().Clear();
        }
    }

    public (int Concurrent, int Tunnels) Held
    {
        get
        {
            lock (_lock)
            {
                return (_concurrent, _tunnels);
            }
        }
    }

    private bool TryHold(LimitGroup group, bool isTunnel, ref LimitDecision decision)
    {
        foreach (var limit in group.Limits)
        {
            var (applies, inUse) = limit.Algorithm switch
            {
                LimitAlgorithm.Tunnels => (isTunnel, _tunnels),
                LimitAlgorithm.Concurrency when group.HasTunnels => (!isTunnel, _concurrent),
                LimitAlgorithm.Concurrency => (true, _concurrent + _tunnels),
                _ => (false, 0),
            };
            if (applies && inUse >= limit.Amount)
            {
                // When one ends nobody can know; a second is what clients that retry should wait at least.
                decision = LimitDecision.Combine(decision, new LimitDecision(IsAllowed: false, limit, Left: 0, TimeSpan.FromSeconds(1)));
            }
        }

        if (!decision.IsAllowed)
        {
            return false;
        }

        if (isTunnel)
        {
            _tunnels++;
        }
        else
        {
            _concurrent++;
        }

        return true;
    }

    /// <summary>Goes on under new limits: what was used of a limit is used of the one that continues it.</summary>
    private void Adopt(LimitGroup group, long now)
    {
        var cells = new long[SizeOf(group)];
        Span<bool> taken = stackalloc bool[_group.Limits.Length];
        taken.Clear();
        var to = cells.AsSpan();
        foreach (var limit in group.Limits)
        {
            var size = LimitCells.SizeOf(limit);
            var from = _cells.AsSpan();
            for (var i = 0; i < _group.Limits.Length; i++)
            {
                var old = _group.Limits[i];
                var oldSize = LimitCells.SizeOf(old);
                if (size > 0 && !taken[i] && limit.Continues(old))
                {
                    LimitCells.IsIdle(old, from[..oldSize], now); // brings it up to date by its own numbers
                    from[..oldSize].CopyTo(to);
                    taken[i] = true;
                    break;
                }

                from = from[oldSize..];
            }

            to = to[size..];
        }

        (_group, _cells) = (group, cells);
    }

    private static int SizeOf(LimitGroup group)
    {
        var size = 0;
        foreach (var limit in group.Limits)
        {
            size += LimitCells.SizeOf(limit);
        }

        return size;
    }
}
