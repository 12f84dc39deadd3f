using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace PyProxy.Gateway.Filtering.Lists;

/// <summary>How an attempt to bring a list up to date ended.</summary>
internal enum RefreshOutcome
{
    Updated = 0,
    Unchanged,
    Failed,
}

internal sealed class ListMetrics
{
    private readonly Counter<long> _refreshes;
    private readonly TimeProvider _time;
    private readonly ConcurrentDictionary<string, FilterList> _lists = new(StringComparer.OrdinalIgnoreCase);

    public ListMetrics(IMeterFactory meters, TimeProvider time)
    {
        _time = time;
        var meter = meters.Create("PyProxy.Gateway");
        _refreshes = meter.CreateCounter<long>(
            "pyproxy.filter.list.refreshes", "{refresh}", "Attempts to bring a list up to date, by list and outcome (updated, unchanged, failed).");
        meter.CreateObservableCounter("pyproxy.filter.list.hits", Hits, "{hit}", "Look-ups that found an entry, by list.");
        meter.CreateObservableGauge("pyproxy.filter.list.entries", Entries, "{entry}", "Entries of each list that are in force.");
        meter.CreateObservableGauge("pyproxy.filter.list.age", Ages, "s", "Time since the source last confirmed what is in force of each list.");
    }

    /// <summary>Which lists there are: those of the configuration, so labels are bounded by it.</summary>
    public void Observe(FilterList list) => _lists[list.Name] = list;

    public void Forget(FilterList list) => _lists.TryRemove(list.Name, out _);

    public void Refreshed(string list, RefreshOutcome outcome)
    {
        if (_refreshes.Enabled)
        {
            _refreshes.Add(1, Tag(list), new KeyValuePair<string, object?>("outcome", outcome switch
            {
                RefreshOutcome.Updated => "updated",
                RefreshOutcome.Unchanged => "unchanged",
                _ => "failed",
            }));
        }
    }

    private static KeyValuePair<string, object?> Tag(string list) => new("list", list);

    private IEnumerable<Measurement<long>> Hits()
    {
        foreach (var list in _lists.Values)
        {
            yield return new Measurement<long>(list.Hits, Tag(list.Name));
        }
    }

    private IEnumerable<Measurement<long>> Entries()
    {
        foreach (var list in _lists.Values)
        {
            yield return new Measurement<long>(list.State.Content?.Summary.Entries ?? 0, Tag(list.Name));
        }
    }

    private IEnumerable<Measurement<double>> Ages()
    {
        foreach (var list in _lists.Values)
        {
            if (list.State.Confirmed is { } confirmed)
            {
                yield return new Measurement<double>((_time.GetUtcNow() - confirmed).TotalSeconds, Tag(list.Name));
            }
        }
    }
}
