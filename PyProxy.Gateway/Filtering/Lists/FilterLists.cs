using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using PyProxy.Gateway.Egress;
using PyProxy.Gateway.Filtering.Lists.Sources;
using PyProxy.Gateway.Filtering.Matching;

namespace PyProxy.Gateway.Filtering.Lists;

/// <summary>
/// The lists of the configuration. At the start each is loaded before the first client is let in: from its file, or from the copy on disk; a URL
/// without a copy is waited for a little, because a rule without its list lets pass what it was to stop.
/// </summary>
internal sealed class FilterLists : IHostedService, IAsyncDisposable
{
    private static readonly TimeSpan PatienceAtStart = TimeSpan.FromSeconds(10);

    private readonly IOptionsMonitor<ListsOptions> _options;
    private readonly ListRegistry _registry;
    private readonly EgressHandlers _egress;
    private readonly ListStore _store;
    private readonly ListMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly string _root;
    private readonly ConcurrentDictionary<string, FilterList> _lists = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, ListKeeper> _keepers = new(StringComparer.OrdinalIgnoreCase);
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Task> _ends = new(StringComparer.OrdinalIgnoreCase); // of the last keeper of each name
    private IDisposable? _subscription;

    public FilterLists(
        IOptionsMonitor<ListsOptions> options,
        ListRegistry registry,
        EgressHandlers egress,
        ListStore store,
        ListMetrics metrics,
        TimeProvider time,
        IHostEnvironment environment,
        ILogger<FilterLists> logger)
    {
        _options = options;
        _registry = registry;
        _egress = egress;
        _store = store;
        _metrics = metrics;
        _time = time;
        _root = environment.ContentRootPath;
        _logger = logger;
    }

    /// <summary>The lists that are configured, with how it stands with each.</summary>
    public IReadOnlyList<(FilterList List, ListOptions Options)> All
    {
        get
        {
            lock (_gate)
            {
                return [.. _keepers.Values.OrderBy(k => k.List.Name, StringComparer.OrdinalIgnoreCase).Select(k => (k.List, k.Options))];
            }
        }
    }

    /// <summary>Asks a list's source now.</summary>
    /// <returns><see langword="null"/> where no such list is configured.</returns>
    public async Task<RefreshOutcome?> RefreshAsync(string name, CancellationToken cancellationToken)
    {
        ListKeeper? keeper;
        lock (_gate)
        {
            _keepers.TryGetValue(name, out keeper);
        }

        return keeper is null ? null : await keeper.RefreshAsync(cancellationToken);
    }

    /// <summary>Loads what is on this machine, files and copies, for a question without traffic: writes nothing, and follows nothing.</summary>
    /// <returns>The lists that could not be loaded, and why.</returns>
    public async Task<IReadOnlyList<(string Name, string Reason)>> LoadLocalAsync(CancellationToken cancellationToken)
    {
        List<(string, string)> missing = [];
        foreach (var (name, options) in _options.CurrentValue)
        {
            if (await LoadLocalAsync(name, options, cancellationToken) is { } reason)
            {
                missing.Add((name, reason));
            }
        }

        return missing;
    }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var keepers = _options.CurrentValue.Select(entry => CreateKeeper(entry.Key, entry.Value)).ToList();
        await Task.WhenAll(keepers.Select(keeper => LoadFirstAsync(keeper, cancellationToken)));
        if (keepers.Find(k => k.Options.Required && k.List.State.Content is null) is { } missing)
        {
            throw new InvalidOperationException(
                $"{ListsOptions.SectionPath}:{missing.List.Name} is Required, and there is neither the list nor a copy of it: {missing.List.State.Error}.");
        }

        lock (_gate)
        {
            foreach (var keeper in keepers)
            {
                // A copy, or a download that was not waited for any longer, still has its source to be asked.
                Follow(keeper, refreshFirst: keeper.List.State is { Content: null } or { IsCopy: true });
            }

            _subscription = _options.OnChange(Apply);
        }

        Apply(_options.CurrentValue); // what changed meanwhile
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _subscription?.Dispose();
        Task[] ends;
        lock (_gate)
        {
            foreach (var keeper in _keepers.Values)
            {
                _ends[keeper.List.Name] = keeper.DisposeAsync().AsTask();
            }

            _keepers.Clear();
            ends = [.. _ends.Values];
        }

        await Task.WhenAll(ends).WaitAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync() => await StopAsync(CancellationToken.None);

    private async Task<string?> LoadLocalAsync(string name, ListOptions options, CancellationToken cancellationToken)
    {
        string? reason = null;
        if (options.Url is null)
        {
            reason = await LoadAsync(() => File.OpenRead(Path.GetFullPath(options.Source, _root)));
            if (reason is null)
            {
                return null;
            }
        }

        return _store.Find(name, options.Source) is null
            ? reason ?? "it comes from a URL, and there is no copy of it on this machine"
            : await LoadAsync(() => _store.Open(name));

        async Task<string?> LoadAsync(Func<Stream> open)
        {
            try
            {
                await using var text = open();
                ListOf(name).Put(ListState.Empty with { Content = await ListReader.ReadAsync(text, options, cancellationToken) });
                return null;
            }
            catch (Exception e) when (e is ListException or IOException or UnauthorizedAccessException)
            {
                return e.Message;
            }
        }
    }

    private async Task LoadFirstAsync(ListKeeper keeper, CancellationToken cancellationToken)
    {
        // A file is newer than its copy, a URL costs time: each asks first where the answer is certain to be had.
        if (keeper.Options.Url is null)
        {
            if (await keeper.RefreshAsync(cancellationToken) == RefreshOutcome.Failed)
            {
                await keeper.LoadCopyAsync(cancellationToken);
            }
        }
        else if (!await keeper.LoadCopyAsync(cancellationToken))
        {
            using var patience = new CancellationTokenSource(PatienceAtStart, _time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
            try
            {
                await keeper.RefreshAsync(either.Token);
            }
            catch (OperationCanceledException) when (patience.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                ListLog.Missing(_logger, keeper.List.Name, "its download takes long, and is begun anew in the background");
            }
        }
    }

    /// <summary>Leaves alone what is as it was. A list whose source changed keeps its content until the new one is there.</summary>
    private void Apply(ListsOptions options)
    {
        lock (_gate)
        {
            foreach (var (name, keeper) in _keepers.ToArray())
            {
                if (options.TryGetValue(name, out var now) && now == keeper.Options)
                {
                    continue;
                }

                _keepers.Remove(name);
                _ends[name] = now is null ? RetireAsync(keeper) : keeper.DisposeAsync().AsTask();
            }

            foreach (var (name, list) in options)
            {
                if (!_keepers.ContainsKey(name))
                {
                    Follow(CreateKeeper(name, list), refreshFirst: true);
                }
            }
        }
    }

    private void Follow(ListKeeper keeper, bool refreshFirst)
    {
        var name = keeper.List.Name;
        _keepers[name] = keeper;
        _metrics.Observe(keeper.List);
        keeper.Run(refreshFirst, _ends.GetValueOrDefault(name, Task.CompletedTask));
    }

    /// <summary>No rule names the list any more; its memory is given back once its keeper can put nothing into it.</summary>
    private async Task RetireAsync(ListKeeper keeper)
    {
        _metrics.Forget(keeper.List);
        await keeper.DisposeAsync();
        keeper.List.Put(ListState.Empty);
    }

    private FilterList ListOf(string name) => _lists.GetOrAdd(name, static (name, registry) => new FilterList(registry.Slot(name)), _registry);

    private ListKeeper CreateKeeper(string name, ListOptions options)
        => new(ListOf(name), options, CreateSource(options), _store, _metrics, _time, _logger);

    private IListSource CreateSource(ListOptions options)
        => options.Url is { } url
            ? new UrlListSource(url, options, _egress, _time)
            : new FileListSource(Path.GetFullPath(options.Source, _root), options.MaxBytes, _time);
}
