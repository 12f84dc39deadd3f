namespace PyProxy.Gateway.Limits.Overload;

/// <summary>How fast a queue has moved of late, and so how long one has to wait in it. In ticks; not to be used from two threads at once.</summary>
internal struct QueuePace
{
    // Places come in lumps, as many as end together: what is shorter than this says more of a lump than of the pace.
    private const long Stretch = TimeSpan.TicksPerSecond;

    // Fewer are no pace.
    private const int Few = 8;

    private long _began;
    private long _lastMoved;
    private long _moved;
    private long _ticksBefore;
    private long _movedBefore;

    /// <summary>Somebody waits again: time in which nobody did is not the queue's.</summary>
    public void Begin(long now)
    {
        _began = _lastMoved = now;
        _moved = 0;
    }

    /// <summary>The first in the queue was served.</summary>
    public void Move(long now)
    {
        _moved++;
        _lastMoved = now;
        if (now - _began >= Stretch && _moved >= Few)
        {
            (_ticksBefore, _movedBefore) = (now - _began, _moved);
            (_began, _moved) = (now, 0);
        }
    }

    /// <summary>How long it takes until the one behind <paramref name="ahead"/> others is served; at least as long as nobody has been by now.</summary>
    /// <returns><see langword="null"/> while that is not known.</returns>
    public readonly TimeSpan? WaitBehind(long ahead, long now)
    {
        var moved = _movedBefore + _moved;
        return moved < Few
            ? null
            : TimeSpan.FromTicks(Math.Max(now - _lastMoved, (long)((ahead + 1) * ((double)(_ticksBefore + now - _began) / moved))));
    }
}
