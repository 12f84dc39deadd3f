namespace PyProxy.Gateway.Commands.Capacity;

/// <summary>
/// The users that are there at the moment. They stay while their number grows. When it falls, all leave and others come: what a gateway that was
/// asked too much still owed them is no part of the next measurement.
/// </summary>
internal sealed class LoadPopulation(LoadPlan plan) : IAsyncDisposable
{
    private readonly List<(SimulatedUser User, Task Running, CancellationTokenSource Stop)> _users = [];
    private readonly Dictionary<LoadKind, int> _byKind = [];
    private LoadRecorder _recorder = new();

    public int Count => _users.Count;

    public IReadOnlyDictionary<LoadKind, int> ByKind => _byKind;

    public async Task SetAsync(int count)
    {
        if (count < _users.Count)
        {
            await EmptyAsync();
        }

        while (_users.Count < count)
        {
            var kind = plan.Mix.Next(_byKind);
            var user = new SimulatedUser(plan, kind, _users.Count, () => Volatile.Read(ref _recorder));
            var stop = new CancellationTokenSource();
            _users.Add((user, Task.Run(() => user.RunAsync(stop.Token), CancellationToken.None), stop));
            _byKind[kind] = _byKind.GetValueOrDefault(kind) + 1;
        }
    }

    /// <summary>Begins a measurement: what users record from now on is a new one's.</summary>
    public void BeginMeasurement() => Volatile.Write(ref _recorder, new LoadRecorder());

    /// <summary>Ends it, with what is still waiting for an answer.</summary>
    public LoadRecorder EndMeasurement()
    {
        var recorder = Interlocked.Exchange(ref _recorder, new LoadRecorder());
        foreach (var (user, _, _) in _users)
        {
            if (user.Pending is { } pending)
            {
                recorder.RecordPending(pending, plan.Interval);
            }
        }

        return recorder;
    }

    /// <summary>The first failure of a user that is none of the gateway's, but a mistake here.</summary>
    public void ThrowIfBroken()
    {
        foreach (var (_, running, _) in _users)
        {
            if (running.IsFaulted)
            {
                throw new InvalidOperationException("A simulated user has failed.", running.Exception);
            }
        }
    }

    public async ValueTask DisposeAsync() => await EmptyAsync();

    private async Task EmptyAsync()
    {
        foreach (var (_, _, stop) in _users)
        {
            await stop.CancelAsync();
        }

        await Task.WhenAll(_users.Select(static user => user.Running));
        _users.ForEach(static user => user.Stop.Dispose());
        _users.Clear();
        _byKind.Clear();
    }
}
