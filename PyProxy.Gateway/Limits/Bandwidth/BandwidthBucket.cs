using PyProxy.Gateway.Limits.Plans;

namespace PyProxy.Gateway.Limits.Bandwidth;

/// <summary>
/// The bytes that one subject may move in one direction, over all its connections. Bytes are handed out in turns of equal size, first come first
/// served; a transfer asks again only after it has moved what it was given, so connections take turns and get equal shares.
/// </summary>
internal sealed class BandwidthBucket : IDisposable
{
    // What a relay reads at once; more would not move bytes faster.
    private const int MaxTurn = 64 * 1024;

    // Less than a packet is not worth a system call.
    private const int MinTurn = 1024;

    // A turn lasts a fiftieth of a second at the full rate: few enough system calls, short enough queues.
    private const int TurnsPerSecond = 50;

    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private ITimer? _timer;
    private BandwidthLimit? _limit;
    private double _available;
    private long _filledAt;
    private TransferTurn? _first;
    private TransferTurn? _last;
    private int _users;
    private bool _retired;

    /// <param name="limit">The limit; <see langword="null"/> for none, until there is one.</param>
    /// <param name="time">The clock.</param>
    public BandwidthBucket(BandwidthLimit? limit, TimeProvider time)
    {
        _limit = limit;
        _time = time;
        _available = limit?.Burst ?? double.MaxValue;
        _filledAt = time.GetTimestamp();
    }

    /// <summary>How the limit is called, for metrics.</summary>
    public string Plan => Volatile.Read(ref _limit)?.Plan ?? "";

    public bool IsUsed
    {
        get
        {
            lock (_lock)
            {
                return _users > 0;
            }
        }
    }

    /// <summary>How many transfers have the bucket, and how many of them wait for their turn at this moment.</summary>
    public (BandwidthLimit? Limit, int Transfers, int Waiting) Look()
    {
        lock (_lock)
        {
            var waiting = 0;
            for (var turn = _first; turn is not null; turn = turn.Next)
            {
                waiting++;
            }

            return (_limit, _users, waiting);
        }
    }

    /// <summary>Counts a transfer, whatever the limit is; for a bucket that is never dropped.</summary>
    public void Use()
    {
        lock (_lock)
        {
            _users++;
        }
    }

    /// <returns>False when the bucket was dropped meanwhile.</returns>
    public bool TryUse(BandwidthLimit limit)
    {
        lock (_lock)
        {
            if (_retired)
            {
                return false;
            }

            _users++;
        }

        Change(limit);
        return true;
    }

    public void StopUsing()
    {
        lock (_lock)
        {
            _users--;
        }
    }

    /// <summary>Goes on under another limit, or with none; transfers that run or wait follow.</summary>
    public void Change(BandwidthLimit? limit)
    {
        if (ReferenceEquals(limit, Volatile.Read(ref _limit)))
        {
            return;
        }

        lock (_lock)
        {
            Refill();
            _limit = limit;
            HandOut();
        }
    }

    /// <summary>Takes up to <paramref name="wanted"/> bytes, when it is the turn's turn.</summary>
    /// <returns>At least 1.</returns>
    public ValueTask<int> TakeAsync(TransferTurn turn, int wanted, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<int>(cancellationToken);
        }

        lock (_lock)
        {
            Refill();
            var bytes = TurnOf(wanted);
            if (_first is null && _available >= bytes)
            {
                _available -= bytes;
                return new ValueTask<int>(bytes);
            }

            turn.Begin(this, wanted);
            Enqueue(turn);
            Schedule();
        }

        return WaitAsync(turn, cancellationToken);
    }

    /// <summary>Gives back bytes that were taken and not moved; negative: bytes moved that nobody was asked about.</summary>
    public void Return(int bytes)
    {
        lock (_lock)
        {
            _available = Math.Min(Most, _available + bytes); // what was taken when there was no limit is not to be had under one
            HandOut();
        }
    }

    /// <summary>Marks the bucket as dropped if nobody uses it and it is full: forgetting it changes nothing.</summary>
    public bool RetireIfIdle()
    {
        lock (_lock)
        {
            if (_users > 0)
            {
                return false;
            }

            Refill();
            return _retired = _limit is null || _available >= _limit.Burst;
        }
    }

    public void Dispose() => _timer?.Dispose();

    private static async ValueTask<int> WaitAsync(TransferTurn turn, CancellationToken cancellationToken)
    {
        using (cancellationToken.UnsafeRegister(static (state, token) => Cancel((TransferTurn)state!, token), turn))
        {
            return await turn.Task;
        }
    }

    private static void Cancel(TransferTurn turn, CancellationToken cancellationToken)
    {
        if (turn.Queue is { } queue && queue.TryRemove(turn))
        {
            turn.Fail(new OperationCanceledException(cancellationToken));
        }
    }

    // While somebody waits nothing is lost to a timer that comes late; the second bounds what a stalled process would hand out at once.
    private double Most => _limit is null ? double.MaxValue : _first is null ? _limit.Burst : Math.Max(_limit.Burst, _limit.BytesPerSecond);

    private int TurnOf(int wanted)
        => _limit is null ? wanted : (int)Math.Min(wanted, Math.Clamp(_limit.BytesPerSecond / TurnsPerSecond, MinTurn, MaxTurn));

    private void Refill()
    {
        var now = _time.GetTimestamp();
        if (_limit is null)
        {
            _available = double.MaxValue;
        }
        else
        {
            _available = Math.Min(Most, _available + (_time.GetElapsedTime(_filledAt, now).TotalSeconds * _limit.BytesPerSecond));
        }

        _filledAt = now;
    }

    private void OnTimer()
    {
        lock (_lock)
        {
            Refill();
            HandOut();
        }
    }

    private void HandOut()
    {
        while (_first is { } turn && TurnOf(turn.Wanted) is var bytes && (_limit is null || _available >= bytes))
        {
            _available -= bytes;
            Dequeue(turn);
            turn.Grant(bytes);
        }

        Schedule();
    }

    private void Schedule()
    {
        if (_first is not { } turn || _limit is null)
        {
            return;
        }

        // Rounded up: the timer counts whole milliseconds, and one that is due too early would come for nothing.
        var missing = (TurnOf(turn.Wanted) - _available) / _limit.BytesPerSecond;
        _timer ??= _time.CreateTimer(static state => ((BandwidthBucket)state!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _timer.Change(TimeSpan.FromMilliseconds(Math.Max(1, Math.Ceiling(missing * 1000))), Timeout.InfiniteTimeSpan);
    }

    private void Enqueue(TransferTurn turn)
    {
        turn.Next = null;
        if (_last is null)
        {
            _first = turn;
        }
        else
        {
            _last.Next = turn;
        }

        _last = turn;
    }

    private void Dequeue(TransferTurn turn)
    {
        _first = turn.Next;
        if (_first is null)
        {
            _last = null;
        }

        turn.Next = null;
        turn.Queue = null;
    }

    private bool TryRemove(TransferTurn turn)
    {
        lock (_lock)
        {
            TransferTurn? before = null;
            for (var at = _first; at is not null; before = at, at = at.Next)
            {
                if (!ReferenceEquals(at, turn))
                {
                    continue;
                }

                if (before is null)
                {
                    Dequeue(turn);
                }
                else
                {
                    before.Next = turn.Next;
                    _last = ReferenceEquals(_last, turn) ? before : _last;
                    turn.Next = null;
                    turn.Queue = null;
                }

                return true;
            }

            return false;
        }
    }
}
