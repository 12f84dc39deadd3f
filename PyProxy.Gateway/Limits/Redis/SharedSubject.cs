using PyProxy.Gateway.Limits.Plans;
using StackExchange.Redis;

namespace PyProxy.Gateway.Limits.Redis;

/// <summary>
/// What this gateway knows of one subject's counts in Redis: permits in advance, what is used up, and what its own requests and tunnels hold. The
/// latter is this gateway's to say; Redis is told the number, never the difference, so that no lost message leaves a count wrong for good.
/// </summary>
internal sealed class SharedSubject
{
    private readonly Lock _lock = new();
    private readonly SharedHeld[] _held = [default, default];
    private LimitGroup _group;
    private SharedGroup _shape;
    private SharedLease[] _leases;
    private long _renewAt;
    private bool _retired;

    public SharedSubject(in SubjectKey key, LimitGroup group, string prefix)
    {
        Key = key;
        RatesKey = SharedKeyNames.Rates(prefix, key);
        HeldKey = SharedKeyNames.Held(prefix, key);
        Permits = [new SharedPermit(this, IsTunnel: false), new SharedPermit(this, IsTunnel: true)];
        _group = group;
        _shape = SharedGroup.Of(group);
        _leases = new SharedLease[group.Limits.Length];
    }

    public SubjectKey Key { get; }

    public RedisKey RatesKey { get; }

    public RedisKey HeldKey { get; }

    /// <summary>What stands for one request and for one tunnel that is held.</summary>
    public SharedPermit[] Permits { get; }

    /// <summary>Decides what can be decided without asking, and notes in <paramref name="ask"/> what cannot.</summary>
    /// <returns>False when this subject was dropped meanwhile: the caller looks it up again.</returns>
    public bool TryTake(LimitGroup group, LimitAttempt attempt, long now, ref LimitDecision decision, ref SharedAsk? ask, out SharedPermit? held)
    {
        held = null;
        lock (_lock)
        {
            if (_retired)
            {
                return false;
            }

            Adopt(group);
            for (var i = 0; i < _leases.Length; i++)
            {
                ref var lease = ref _leases[i];
                var limit = _shape.Limits[i];
                if (limit.IsHeld)
                {
                    continue;
                }

                if (lease.IsUsedUp(limit, now, out var said) || lease.TryTake(limit, attempt.Permits, now, out said))
                {
                    decision = LimitDecision.Combine(decision, said);
                }
                else
                {
                    (ask ??= new SharedAsk()).Rate(this, _shape, i);
                }
            }

            if (attempt.ChargesOnly || _shape.HeldBy(attempt.IsTunnel) is not { } heldBy)
            {
                return true;
            }

            if (Of(heldBy).TryTake())
            {
                held = PermitOf(heldBy);
            }
            else
            {
                (ask ??= new SharedAsk()).Hold(this, _shape, heldBy);
            }

            return true;
        }
    }

    /// <summary>The same for what is held alone, by a number of this gateway's own: Redis is away.</summary>
    public bool TryHold(LimitGroup group, LimitAttempt attempt, long share, ref LimitDecision decision, out SharedPermit? held)
    {
        held = null;
        lock (_lock)
        {
            if (_retired)
            {
                return false;
            }

            Adopt(group);
            if (_shape.HeldBy(attempt.IsTunnel) is { } limit)
            {
                if (!Of(limit).TryTakeAlone(share))
                {
                    decision = LimitDecision.Combine(decision, HeldRefusal(limit));
                    return true;
                }

                held = PermitOf(limit);
            }

            return true;
        }
    }

    public void Owe(int index, int permits)
    {
        lock (_lock)
        {
            if (index < _leases.Length)
            {
                _leases[index].Owe(permits, _shape.Limits[index].Burst);
            }
        }
    }

    /// <summary>Writes the script's arguments for what is asked of this subject.</summary>
    public void Write(SharedAskPart part, int permits, long now, List<RedisValue> arguments)
    {
        lock (_lock)
        {
            arguments.Add(part.Rates.Count);
            for (var i = 0; i < part.Rates.Count; i++)
            {
                var index = part.Rates[i];
                long ahead = 0, owed = 0;
                if (ReferenceEquals(part.Shape, _shape))
                {
                    part.AsksAhead[i] = _leases[index].Ask(_shape.Limits[index], _shape.MaxAhead[index], now, out var more, out owed);
                    ahead = more;
                }

                arguments.AddRange(part.Shape.Arguments[index]);
                arguments.Add(permits);
                arguments.Add(ahead);
                arguments.Add(owed);
            }

            if (part.Held is not { } limit)
            {
                arguments.Add("-");
                return;
            }

            ref var own = ref Of(limit);
            arguments.Add(limit.Algorithm == LimitAlgorithm.Tunnels ? "t" : "c");
            arguments.Add(limit.Amount);
            arguments.Add(own.Told);
            own.Ask();
        }
    }

    /// <summary>Takes in the script's answer.</summary>
    /// <returns>What is held now.</returns>
    public SharedPermit? Read(SharedAskPart part, int permits, ReadOnlySpan<RedisResult> answer, long sent, long now, ref LimitDecision decision)
    {
        lock (_lock)
        {
            for (var i = 0; i < part.Rates.Count; i++)
            {
                var index = part.Rates[i];
                var limit = part.Shape.Limits[index];
                var (granted, left, after) = ((int)answer[i * 3], (long)answer[(i * 3) + 1], TimeSpan.FromMilliseconds((long)answer[(i * 3) + 2]));
                SharedLease elsewhere = default; // a reload came between: what was had in advance is lost
                ref var lease = ref ReferenceEquals(part.Shape, _shape) ? ref _leases[index] : ref elsewhere;
                decision = LimitDecision.Combine(decision, lease.Answered(limit, part.AsksAhead[i], permits, granted, left, after, sent, now));
            }

            return part.Held is { } held ? ReadHeld(held, (int)answer[part.Rates.Count * 3], ref decision) : null;
        }
    }

    /// <summary>The question was not answered.</summary>
    public void NotAnswered(SharedAskPart part)
    {
        lock (_lock)
        {
            for (var i = 0; i < part.Rates.Count; i++)
            {
                if (ReferenceEquals(part.Shape, _shape))
                {
                    _leases[part.Rates[i]].NotAnswered(part.AsksAhead[i]);
                }
            }

            if (part.Held is { } limit)
            {
                Of(limit).Answered(isGranted: false);
            }
        }
    }

    /// <summary>Gives one back.</summary>
    /// <returns>Whether Redis is to be told.</returns>
    public bool Release(bool isTunnel)
    {
        lock (_lock)
        {
            return _held[isTunnel ? 1 : 0].Release(ReserveOf(isTunnel));
        }
    }

    /// <summary>What Redis is to be told that this gateway holds.</summary>
    public (long Requests, long Tunnels) Tell(long renewAt)
    {
        lock (_lock)
        {
            _renewAt = renewAt;
            return (_held[0].Told, _held[1].Told);
        }
    }

    /// <summary>Once a second: gives back what is held in reserve, and says whether Redis is to be told.</summary>
    public bool Tidy(long now)
    {
        lock (_lock)
        {
            var given = false;
            foreach (ref var own in _held.AsSpan())
            {
                given |= own.GiveBackReserve();
            }

            return given || (now >= _renewAt && (_held[0].IsGranted || _held[1].IsGranted));
        }
    }

    /// <summary>Marks the subject as dropped when forgetting it changes no decision.</summary>
    public bool RetireIfIdle(long now)
    {
        lock (_lock)
        {
            if (_held[0].IsUsed || _held[1].IsUsed)
            {
                return false;
            }

            foreach (ref var lease in _leases.AsSpan())
            {
                if (!lease.IsIdle(now))
                {
                    return false;
                }
            }

            return _retired = true;
        }
    }

    /// <summary>Forgets what is known in advance and what is used up: Redis was told something new.</summary>
    public void Forget()
    {
        lock (_lock)
        {
            _leases.AsSpan().Clear();
        }
    }

    private static LimitDecision HeldRefusal(Limit limit) => new(IsAllowed: false, limit, Left: 0, TimeSpan.FromSeconds(1));

    private SharedPermit? ReadHeld(Limit limit, int answer, ref LimitDecision decision)
    {
        Of(limit).Answered(isGranted: answer == 1);
        if (answer == 0)
        {
            decision = LimitDecision.Combine(decision, HeldRefusal(limit));
        }

        return answer == 1 ? PermitOf(limit) : null;
    }

    private ref SharedHeld Of(Limit limit) => ref _held[limit.Algorithm == LimitAlgorithm.Tunnels ? 1 : 0];

    private SharedPermit PermitOf(Limit limit) => Permits[limit.Algorithm == LimitAlgorithm.Tunnels ? 1 : 0];

    // For a moment, of a limit that is large: the next request then needs no question. A small limit has nothing to spare.
    private long ReserveOf(bool isTunnel) => ((isTunnel ? _shape.Tunnels : _shape.Requests)?.Amount ?? 0) / SharedGroup.AheadShare;

    private void Adopt(LimitGroup group)
    {
        if (!ReferenceEquals(_group, group))
        {
            (_group, _shape, _leases) = (group, SharedGroup.Of(group), new SharedLease[group.Limits.Length]);
        }
    }
}
