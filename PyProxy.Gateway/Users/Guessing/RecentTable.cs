using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace PyProxy.Gateway.Users.Guessing;

/// <summary>
/// A table of at most so many entries that forgets what was not touched for longest, in two generations: what is touched moves to the young one;
/// when that is full the old one is dropped. Strangers choose the keys, so it may neither grow nor be flushed of what is in use.
/// </summary>
internal sealed class RecentTable<TKey, TValue>
    where TKey : notnull
    where TValue : class
{
    private readonly Lock _turning = new();
    private volatile ConcurrentDictionary<TKey, TValue> _young = new();
    private volatile ConcurrentDictionary<TKey, TValue> _old = new();
    private int _youngCount; // ConcurrentDictionary.Count takes every lock that it has

    public bool TryGet(TKey key, int capacity, [NotNullWhen(true)] out TValue? value)
    {
        if (_young.TryGetValue(key, out value))
        {
            return true;
        }

        if (!_old.TryGetValue(key, out value))
        {
            return false;
        }

        value = GetOrAdd(key, value, capacity);
        return true;
    }

    public TValue GetOrAdd(TKey key, TValue value, int capacity)
    {
        var found = _young.GetOrAdd(key, value);
        if (ReferenceEquals(found, value) && Interlocked.Increment(ref _youngCount) > capacity / 2)
        {
            Turn(capacity);
        }

        return found;
    }

    private void Turn(int capacity)
    {
        lock (_turning)
        {
            if (Volatile.Read(ref _youngCount) > capacity / 2)
            {
                _old = _young;
                _young = new();
                Volatile.Write(ref _youngCount, 0);
            }
        }
    }
}
