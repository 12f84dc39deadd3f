using System.Collections.Concurrent;

namespace PyProxy.Gateway.Telemetry;

/// <summary>The series there are. Bounded: routes that reloads bring stay known until the process ends.</summary>
internal sealed class SeriesTable
{
    public const int MaxSeries = 4000;

    private readonly ConcurrentDictionary<SeriesKey, ExchangeSeries> _series = new();

    // ConcurrentDictionary.Count takes all its locks.
    private int _count;

    public int Count => Volatile.Read(ref _count);

    public ExchangeSeries this[in SeriesKey key] => _series.TryGetValue(key, out var series) ? series : Add(key);

    public IEnumerable<ExchangeSeries> All()
    {
        foreach (var (_, series) in _series)
        {
            yield return series;
        }
    }

    private ExchangeSeries Add(in SeriesKey key)
    {
        // A few at a time may pass the bound together, which does no harm.
        var kept = Count < MaxSeries ? key : key.Overflowed();
        var made = new ExchangeSeries(kept);
        var series = _series.GetOrAdd(kept, made);
        if (ReferenceEquals(series, made))
        {
            Interlocked.Increment(ref _count);
        }

        return series;
    }
}
