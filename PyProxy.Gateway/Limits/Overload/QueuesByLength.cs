namespace PyProxy.Gateway.Limits.Overload;

/// <summary>Knows which queue is the longest. A queue grows and shrinks by one, so that each change is a step between neighbours.</summary>
internal sealed class QueuesByLength
{
    // Queues of length n are at n; nobody is at 0.
    private readonly List<LinkedList<UserQueue>> _ofLength = [new()];
    private int _longest;

    /// <summary>One of the longest; <see langword="null"/> where nobody waits.</summary>
    public UserQueue? Longest => _ofLength[_longest].First?.Value;

    /// <summary>Takes note of a queue that has become one longer or one shorter.</summary>
    public void Changed(UserQueue queue)
    {
        var length = queue.Waiters.Count;
        queue.ByLength.List?.Remove(queue.ByLength);
        if (length == _ofLength.Count)
        {
            _ofLength.Add(new());
        }

        if (length > 0)
        {
            _ofLength[length].AddLast(queue.ByLength);
        }

        _longest = Math.Max(_longest, length);
        while (_longest > 0 && _ofLength[_longest].Count == 0)
        {
            _longest--;
        }
    }
}
