using System.Net;
using System.Net.Sockets;
using PyProxy.Gateway.Egress.Names;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Egress;

/// <summary>
/// Remembers answers for a while, also that there is none; asks once for all who wait for the same name; bounds how long a lookup takes and
/// how many names are remembered.
/// </summary>
internal sealed partial class CachingResolver(
    INameLookup inner, Func<NameCacheLimits> limits, TimeProvider time, EgressMetrics metrics, ILogger<CachingResolver> logger) : IResolver
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, LinkedListNode<Entry>> _entries = new(StringComparer.Ordinal);

    // Most recently used first.
    private readonly LinkedList<Entry> _usage = [];

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _entries.Count;
            }
        }
    }

    public async ValueTask<IReadOnlyList<IPAddress>> ResolveAsync(string name, CancellationToken cancellationToken)
    {
        var entry = FindOrAdd(name, out var isNew);
        if (isNew)
        {
            // Not awaited: the lookup belongs to everybody who waits for the name, so it does not end with the first of them.
            // It cannot fail; whatever happens becomes the entry's answer.
            _ = AnswerAsync(entry);
        }

        // What the cache has is not worth a span.
        using var span = isNew || !entry.Answer.IsCompleted ? GatewayTracing.StartChild("dns") : null;
        span?.SetTag("dns.question.name", name);
        var answer = await entry.Answer.WaitAsync(cancellationToken);
        if (answer.Error is { } failure)
        {
            span?.Fail(failure.ToString());
        }

        metrics.DnsLookup(answer.Error is not null ? DnsOutcome.Failure : isNew ? DnsOutcome.Miss : DnsOutcome.Hit);
        return answer.Error is { } error ? throw new SocketException((int)error) : answer.Addresses;
    }

    private Entry FindOrAdd(string name, out bool isNew)
    {
        var cacheSize = limits().Size;
        lock (_gate)
        {
            if (_entries.TryGetValue(name, out var known))
            {
                _usage.Remove(known);
                if (known.Value.IsUsable(time.GetUtcNow()))
                {
                    _usage.AddFirst(known);
                    isNew = false;
                    return known.Value;
                }

                _entries.Remove(name);
            }

            while (_entries.Count >= cacheSize)
            {
                Remove(_usage.Last!);
            }

            isNew = true;
            var entry = new Entry(name);
            _entries.Add(name, _usage.AddFirst(entry));
            return entry;
        }
    }

    private async Task AnswerAsync(Entry entry)
    {
        var held = limits();
        var started = time.GetTimestamp();
        DnsAnswer answer;
        try
        {
            using var timeout = new CancellationTokenSource(held.Timeout, time);
            try
            {
                var (addresses, timeToLive) = await inner.LookupAsync(entry.Name, timeout.Token);
                answer = addresses.Count > 0 ? new DnsAnswer(addresses, null, timeToLive) : new DnsAnswer([], SocketError.NoData);
            }
            catch (OperationCanceledException) when (timeout.IsCancellationRequested)
            {
                answer = new DnsAnswer([], SocketError.TimedOut);
            }
        }
        catch (SocketException e)
        {
            answer = new DnsAnswer([], e.SocketErrorCode);
        }
        catch (Exception e)
        {
            LogUnexpected(logger, entry.Name, e);
            answer = new DnsAnswer([], SocketError.NoRecovery);
        }

        metrics.DnsLookedUp(answer.Error is null, time.GetElapsedTime(started));
        Settle(entry, answer, held);
    }

    private void Settle(Entry entry, DnsAnswer answer, in NameCacheLimits held)
    {
        var duration = answer.Error switch
        {
            null => held.For(answer.TimeToLive),
            SocketError.HostNotFound or SocketError.NoData => held.NegativeTtl,
            _ => TimeSpan.Zero, // not an answer about the name: the next one asks again
        };

        lock (_gate)
        {
            if (duration == TimeSpan.Zero && _entries.TryGetValue(entry.Name, out var node) && node.Value == entry)
            {
                Remove(node);
            }

            entry.Complete(answer, time.GetUtcNow() + duration);
        }
    }

    private void Remove(LinkedListNode<Entry> node)
    {
        _usage.Remove(node);
        _entries.Remove(node.Value.Name);
    }

    [LoggerMessage(1, LogLevel.Error, "Resolving \"{Name}\" failed in an unexpected way.")]
    private static partial void LogUnexpected(ILogger logger, string name, Exception exception);

    private sealed record DnsAnswer(IReadOnlyList<IPAddress> Addresses, SocketError? Error, TimeSpan? TimeToLive = null);

    private sealed class Entry(string name)
    {
        private readonly TaskCompletionSource<DnsAnswer> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private DateTimeOffset _expires = DateTimeOffset.MaxValue; // under the cache's lock

        public string Name { get; } = name;

        public Task<DnsAnswer> Answer => _answer.Task;

        public bool IsUsable(DateTimeOffset now) => now < _expires;

        public void Complete(DnsAnswer answer, DateTimeOffset expires)
        {
            _expires = expires;
            _answer.SetResult(answer);
        }
    }
}
