namespace PyProxy.Gateway.Resilience;

/// <summary>
/// Bounds retries by a share of the traffic, so that an outage is not answered with a multiple of the load that caused it. Counted over the last
/// ten seconds, as linkerd's budgets are: long enough for little traffic, short enough that quiet times save up no burst.
/// </summary>
internal sealed class RetryBudget(double share, double minimumPerSecond, TimeProvider time)
{
    private const int Seconds = 10;

    private readonly Lock _lock = new();
    private readonly int[] _requests = new int[Seconds];
    private readonly int[] _retries = new int[Seconds];
    private long _second = Now(time);
    private int _requestsInWindow;
    private int _retriesInWindow;

    /// <summary>Counts a client's request; its first try costs nothing.</summary>
    public void CountRequest()
    {
        lock (_lock)
        {
            var slot = Advance();
            _requests[slot]++;
            _requestsInWindow++;
        }
    }

    /// <summary>Takes one retry out of the budget if there is one left.</summary>
    public bool TryTake()
    {
        lock (_lock)
        {
            var slot = Advance();
            if (_retriesInWindow + 1 > (share * _requestsInWindow) + (minimumPerSecond * Seconds))
            {
                return false;
            }

            _retries[slot]++;
            _retriesInWindow++;
            return true;
        }
    }

    private static long Now(TimeProvider time) => time.GetTimestamp() / time.TimestampFrequency;

    // Empties the slots of the seconds that have left the window.
    private int Advance()
    {
        var now = Now(time);
        for (var steps = Math.Min(now - _second, Seconds); steps > 0; steps--)
        {
            var slot = (int)((now - steps + 1) % Seconds);
            _requestsInWindow -= _requests[slot];
            _retriesInWindow -= _retries[slot];
            _requests[slot] = 0;
            _retries[slot] = 0;
        }

        _second = Math.Max(_second, now);
        return (int)(_second % Seconds);
    }
}
