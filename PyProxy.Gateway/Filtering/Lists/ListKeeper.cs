using System.Globalization;
using PyProxy.Gateway.Filtering.Lists.Sources;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Filtering.Lists;

/// <summary>Keeps one list up to date: from the copy on disk at the start, then from its source, for as long as the configuration says so.</summary>
internal sealed class ListKeeper : IAsyncDisposable
{
    private readonly ListStore _store;
    private readonly ListMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly IListSource _source;
    private readonly SemaphoreSlim _gate = new(1);
    private readonly CancellationTokenSource _stopping = new();
    private ListVersion? _version;
    private Task _running = Task.CompletedTask;

    public ListKeeper(FilterList list, ListOptions options, IListSource source, ListStore store, ListMetrics metrics, TimeProvider time, ILogger logger)
    {
        List = list;
        Options = options;
        _source = source;
        _store = store;
        _metrics = metrics;
        _time = time;
        _logger = logger;
    }

    public FilterList List { get; }

    public ListOptions Options { get; }

    /// <summary>Puts the copy on disk in force, if there is one of this source.</summary>
    public async Task<bool> LoadCopyAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            if (_store.Find(List.Name, Options.Source) is not { } copy)
            {
                return false;
            }

            await using var text = _store.Open(List.Name);
            var content = await ListReader.ReadAsync(text, Options, cancellationToken);
            List.Put(List.State with { Content = content, Loaded = _time.GetUtcNow(), Confirmed = copy.Confirmed, IsCopy = true });
            _version = copy.Version;
            ListLog.CopyInForce(_logger, List.Name, content.Summary.Entries);
            return true;
        }
        catch (Exception e) when (e is ListException or IOException or UnauthorizedAccessException)
        {
            ListLog.CopyUnusable(_logger, List.Name, e.Message);
            return false;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Asks the source now. Never throws for what is the source's fault: that is in the list's state.</summary>
    public async Task<RefreshOutcome> RefreshAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken);
        try
        {
            var outcome = await TryRefreshAsync(cancellationToken);
            _metrics.Refreshed(List.Name, outcome);
            return outcome;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Begins to follow the source.</summary>
    /// <param name="refreshFirst">Whether to ask it at once.</param>
    /// <param name="after">The end of whoever kept this list before: there is one part file, and the last word must be the newer one's.</param>
    public void Run(bool refreshFirst, Task after) => _running = RunAsync(refreshFirst, after);

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _running;
        _stopping.Dispose();
    }

    private async Task RunAsync(bool refreshFirst, Task after)
    {
        await Task.Yield(); // whoever starts this holds a lock
        try
        {
            await after;
            while (true)
            {
                if (refreshFirst)
                {
                    await RefreshAsync(_stopping.Token);
                }

                refreshFirst = true;
                await _source.WaitAsync(List.State.Failures, _stopping.Token);
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The way it ends.
        }
        catch (Exception e)
        {
            ListLog.KeeperFailed(_logger, e, List.Name);
        }
    }

    private async Task<RefreshOutcome> TryRefreshAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await LoadAsync(cancellationToken);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            var state = List.State;
            var error = Describe(e);
            List.Put(state with { Error = error, Failures = state.Failures + 1 });
            if (state.Content is { } content)
            {
                ListLog.Stale(_logger, List.Name, error, content.Summary.Entries);
            }
            else
            {
                ListLog.Missing(_logger, List.Name, error);
            }

            ListLog.Reason(_logger, e, List.Name);
            Forgo(() => _store.Discard(List.Name));
            return RefreshOutcome.Failed;
        }
    }

    private async Task<RefreshOutcome> LoadAsync(CancellationToken cancellationToken)
    {
        var state = List.State;
        LoadedList? content;
        ListVersion? version;
        await using (var part = _store.CreatePart(List.Name))
        {
            // 1. The whole text, within its bounds, onto the disk.
            version = await _source.CopyToAsync(part, state.Content is null ? null : _version, cancellationToken);

            // 2. Read it; what is not to be believed ends here.
            part.Position = 0;
            content = version is null ? null : await ListReader.ReadAsync(part, Options, cancellationToken);
        }

        var now = _time.GetUtcNow();
        if (version is null || content is null)
        {
            List.Put(state with { Confirmed = now, IsCopy = false, Error = null, Failures = 0 });
            Forgo(() =>
            {
                _store.Discard(List.Name);
                _store.Describe(List.Name, CopyOf(_version ?? ListVersion.None));
            });
            return RefreshOutcome.Unchanged;
        }

        // 3. In force first: a disk that is full is no reason to go without a list that is good.
        List.Put(new ListState(content, Loaded: now, Confirmed: now, IsCopy: false, Error: null, Failures: 0));
        var summary = content.Summary;
        ListLog.InForce(_logger, List.Name, summary.Entries, summary.Unsupported, summary.Invalid, Which(summary));

        // 4. And the copy for the next start.
        _version = version;
        Forgo(() => _store.Keep(List.Name, CopyOf(version)));
        return RefreshOutcome.Updated;
    }

    /// <summary>What is done about the copy must not cost the list itself.</summary>
    private void Forgo(Action action)
    {
        try
        {
            action();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            ListLog.CopyNotKept(_logger, List.Name, e.Message);
        }
    }

    private ListCopy CopyOf(ListVersion version) => new(ListStore.Digest(Options.Source), version, _time.GetUtcNow());

    private static string Which(ListSummary summary)
        => summary.FirstLeftOut.Count == 0
            ? ""
            : $" (the first: {string.Join(", ", summary.FirstLeftOut.Select(line => line.Number.ToString(CultureInfo.InvariantCulture)))})";

    private static string Describe(Exception exception)
        => exception is ListException ? exception.Message : ProxyException.Find(exception)?.Detail ?? exception.Message;
}
