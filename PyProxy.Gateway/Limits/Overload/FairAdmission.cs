using Microsoft.Extensions.Options;

namespace PyProxy.Gateway.Limits.Overload;

/// <summary>
/// Bounds how many requests the gateway works on at once. Those beyond wait, each user's (or address's) in a queue of its own; a place that
/// becomes free goes to the user who has the fewest, in turns among equals, so that nobody gets more by asking more often. Who would wait for
/// nothing, because so many cannot be served in time at the pace of now, is told so at once. Where no more
/// may wait in all, the last of the longest queue is, so that there is room for whoever asks less. While the machine has too much to do there are
/// fewer places, and shorter waits (<see cref="Throttle"/>): the same fairness holds where the machine is the limit.
/// </summary>
internal sealed class FairAdmission : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<AdmissionKey, UserQueue> _users = [];

    // Of those who wait, by places held now and then by who has waited longest for a turn.
    private readonly SortedSet<UserQueue> _waiting = new(ByPlacesThenTurn.Instance);
    private readonly QueuesByLength _lengths = new();
    private readonly TimeProvider _time;
    private readonly long _started;
    private readonly IDisposable? _subscription;
    private volatile OverloadOptions _options;
    private volatile Throttling? _throttling;
    private QueuePace _pace;
    private long _turn;
    private int _admitted;
    private int _queued;

    public FairAdmission(IOptionsMonitor<LimitsOptions> options, TimeProvider time, LimitsMetrics metrics)
    {
        _options = options.CurrentValue.Overload;
        _time = time;
        _started = time.GetTimestamp();
        _subscription = options.OnChange(changed =>
        {
            _options = changed.Overload;
            lock (_lock)
            {
                Admit();
            }
        });
        metrics.Observe(() => Admitted, () => Queued);
    }

    /// <summary>Requests that have a place now.</summary>
    public int Admitted => Volatile.Read(ref _admitted);

    /// <summary>Requests that wait for one.</summary>
    public int Queued => Volatile.Read(ref _queued);

    /// <summary>Whether there are fewer places than configured, because the machine has too much to do.</summary>
    public bool IsThrottled => _throttling is not null;

    /// <summary>Whether as many wait as may in all.</summary>
    public bool IsFull => Queued >= _options.QueueLength;

    private int Places => Math.Min(_options.MaxConcurrency, _throttling?.Places ?? int.MaxValue);

    private TimeSpan Patience => _throttling is { } throttling && throttling.Patience < _options.QueueTimeout ? throttling.Patience : _options.QueueTimeout;

    private long Now => _time.GetElapsedTime(_started).Ticks;

    /// <summary>Takes a place if one is free and nobody waits.</summary>
    public bool TryEnter(AdmissionKey user, out AdmissionPlace place)
    {
        lock (_lock)
        {
            if (_admitted >= Places || _queued > 0)
            {
                place = default;
                return false;
            }

            place = Give(UserOf(user));
            return true;
        }
    }

    /// <summary>Waits for a place.</summary>
    /// <returns>The place; one that is not <see cref="AdmissionPlace.IsGiven"/> means that there will be none in time.</returns>
    public async Task<AdmissionPlace> EnterAsync(AdmissionKey user, CancellationToken cancellationToken)
    {
        QueueWaiter waiter;
        lock (_lock)
        {
            if (_admitted < Places && _queued == 0)
            {
                return Give(UserOf(user));
            }

            // Said early, while the client can still do something else. The first in a queue always waits: somebody has to find out.
            var queue = UserOf(user);
            var wait = WaitIn(queue);
            if (queue.Waiters.Count >= _options.QueuePerUser
                || (queue.Waiters.Count > 0 && wait > Patience)
                || (_queued >= _options.QueueLength && !TryMakeRoomFor(queue)))
            {
                Forget(queue);
                return AdmissionPlace.None(wait);
            }

            waiter = new QueueWaiter(queue);
            Enqueue(waiter);
        }

        return await AwaitAsync(waiter, cancellationToken);
    }

    /// <summary>Gives a place back.</summary>
    public void Leave(AdmissionPlace place)
    {
        lock (_lock)
        {
            var user = place.User!;
            _admitted--;
            Reorder(user, static user => user.Places--);
            Admit();
            Forget(user);
        }
    }

    /// <summary>Has at most so many worked on at once, and lets the others wait for at most so long, until <see cref="Release"/>.</summary>
    public void Throttle(int places, TimeSpan patience)
    {
        if (_throttling is not { } before || before.Places != places || before.Patience != patience)
        {
            Become(new Throttling(places, patience));
        }
    }

    /// <summary>As configured again.</summary>
    public void Release()
    {
        if (IsThrottled)
        {
            Become(null);
        }
    }

    public void Dispose() => _subscription?.Dispose();

    private void Become(Throttling? throttling)
    {
        lock (_lock)
        {
            _throttling = throttling;
            Admit();
        }
    }

    private async Task<AdmissionPlace> AwaitAsync(QueueWaiter waiter, CancellationToken cancellationToken)
    {
        try
        {
            return await waiter.Task.WaitAsync(Patience, _time, cancellationToken);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            lock (_lock)
            {
                if (waiter.Node.List is not null)
                {
                    var wait = WaitIn(waiter.User);
                    Remove(waiter);
                    Forget(waiter.User);
                    if (e is TimeoutException)
                    {
                        return AdmissionPlace.None(wait);
                    }

                    throw;
                }
            }

            // The answer came in the same moment.
            var place = await waiter.Task;
            if (e is TimeoutException)
            {
                return place;
            }

            if (place.IsGiven)
            {
                Leave(place);
            }

            throw;
        }
    }

    private UserQueue UserOf(AdmissionKey key)
    {
        if (!_users.TryGetValue(key, out var user))
        {
            _users[key] = user = new UserQueue(key);
        }

        return user;
    }

    private AdmissionPlace Give(UserQueue user)
    {
        _admitted++;
        user.Places++;
        return new AdmissionPlace(user);
    }

    /// <summary>How long one more of this user's would wait: at the user's own pace, or until that is known at the pace of all.</summary>
    private TimeSpan? WaitIn(UserQueue queue)
    {
        var now = Now;
        var own = queue.Waiters.Count;
        return queue.Pace.WaitBehind(own, now) ?? _pace.WaitBehind(Math.Min(_queued, (long)own * _waiting.Count), now);
    }

    private void Enqueue(QueueWaiter waiter)
    {
        var user = waiter.User;
        var now = Now;
        if (_queued == 0)
        {
            _pace.Begin(now);
        }

        if (user.Waiters.Count == 0)
        {
            user.Turn = ++_turn;
            user.Pace.Begin(now);
            _waiting.Add(user);
        }

        user.Waiters.AddLast(waiter.Node);
        _lengths.Changed(user);
        _queued++;
    }

    /// <summary>Takes the last of the longest queue out of it, for somebody of whom fewer wait: who asks most must not keep the others from waiting.</summary>
    private bool TryMakeRoomFor(UserQueue queue)
    {
        if (_lengths.Longest is not { } longest || longest.Waiters.Count <= queue.Waiters.Count + 1)
        {
            return false;
        }

        var last = longest.Waiters.Last!.Value;
        Remove(last);
        last.SetResult(AdmissionPlace.None(WaitIn(longest)));
        return true;
    }

    private void Remove(QueueWaiter waiter)
    {
        var user = waiter.User;
        user.Waiters.Remove(waiter.Node);
        _lengths.Changed(user);
        _queued--;
        if (user.Waiters.Count == 0)
        {
            _waiting.Remove(user);
        }
    }

    private void Admit()
    {
        while (_admitted < Places && _waiting.Min is { } user)
        {
            var waiter = user.Waiters.First!.Value;
            var now = Now;
            _pace.Move(now);
            user.Pace.Move(now);
            Remove(waiter);
            var turn = ++_turn;
            Reorder(user, user =>
            {
                user.Places++;
                user.Turn = turn;
            });
            _admitted++;
            waiter.SetResult(new AdmissionPlace(user));
        }
    }

    // A sorted set may not have what it sorts by changed under it.
    private void Reorder(UserQueue user, Action<UserQueue> change)
    {
        var waits = user.Waiters.Count > 0 && _waiting.Remove(user);
        change(user);
        if (waits)
        {
            _waiting.Add(user);
        }
    }

    private void Forget(UserQueue user)
    {
        if (user is { Places: 0, Waiters.Count: 0 })
        {
            _users.Remove(user.Key);
        }
    }

    private sealed record Throttling(int Places, TimeSpan Patience);
}
