using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Extensions.Options;
using PyProxy.Gateway.Limits.Plans;
using PyProxy.Gateway.State.Database;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Limits.Quotas;

/// <summary>
/// Who uses how much: counted in memory while it happens, written every second. A crash loses that second; nothing is written twice, for every
/// batch has a number that the database takes once, in the same transaction.
/// </summary>
internal sealed partial class UsageLedger(
    UsageStore store, QuotaCounters counters, PlanDirectory plans, GatewayDatabase database, QuotaMetrics metrics, IOptionsMonitor<UsageOptions> options,
    TimeProvider time, ILogger<UsageLedger> logger)
    : BackgroundService, IDatabaseConsumer
{
    private readonly string _instance = RandomNumberGenerator.GetHexString(16, lowercase: true);
    private readonly ConcurrentDictionary<string, UserUsage> _users = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<UsageMeter, byte> _live = new();
    private readonly SemaphoreSlim _writing = new(1);
    private UsageBatch? _unwritten;
    private long _lastNumber;
    private bool _isPrepared;
    private volatile bool _hadUsers;

    // A gateway without users needs no database.
    public bool NeedsDatabase => options.CurrentValue.Ledger && (_hadUsers || plans.HasQuotas);

    /// <summary>Users with exchanges, or with usage that has not been written yet.</summary>
    public int UserCount => _users.Count;

    /// <summary>Counts an exchange of a user, until it ends.</summary>
    public UsageMeter Begin(string userName, Exchange exchange, HttpContext context)
    {
        _hadUsers = true;
        UserUsage user;
        while (!(user = _users.GetOrAdd(userName, static name => new UserUsage(name))).TryBegin())
        {
            _users.TryRemove(KeyValuePair.Create(userName, user)); // it was forgotten at this moment
        }

        var meter = new UsageMeter(this, user, exchange, context, time);
        _live[meter] = 0;
        exchange.HoldUntilEnd(meter);
        return meter;
    }

    public void Ended(UsageMeter meter, UserUsage user)
    {
        _live.TryRemove(meter, out _);
        user.End();
    }

    /// <inheritdoc cref="QuotaCounters.Use"/>
    public QuotaCounter Use(string user, QuotaLimit quota) => counters.Use(user, quota);

    /// <inheritdoc cref="QuotaCounters.Renew"/>
    public QuotaCounter Renew(QuotaCounter counter) => counters.Renew(counter);

    public void Release(ReadOnlySpan<QuotaCounter> used)
    {
        foreach (var counter in used)
        {
            counters.Release(counter);
        }
    }

    /// <summary>Learns from the database what counters say that this run has not met yet. Until it is back a quota begins at nothing.</summary>
    public ValueTask LearnAsync(QuotaCounter[] unknown, CancellationToken cancellationToken)
        => options.CurrentValue.Ledger && database.IsAvailable && Array.Exists(unknown, static counter => !counter.IsKnown)
            ? LearnFromDatabaseAsync(unknown, cancellationToken)
            : ValueTask.CompletedTask;

    /// <summary>What a user has used since the beginning of a day, in UTC, with what is not written yet.</summary>
    public async Task<Usage> SinceAsync(string user, DateOnly day, CancellationToken cancellationToken)
    {
        await FlushAsync(cancellationToken);
        var written = await store.SumAsync(user, day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), cancellationToken);
        return written + (_users.TryGetValue(user, out var pending) ? pending.Pending : default);
    }

    /// <summary>Sets a quota's use in this period to nothing, or raises what it allows in this period.</summary>
    /// <returns>What it says then, over all gateways.</returns>
    public async Task<QuotaState> ChangeAsync(string user, QuotaLimit quota, bool reset, long raise, CancellationToken cancellationToken)
    {
        await FlushAsync(cancellationToken);
        var counter = counters.Use(user, quota);
        try
        {
            var known = await store.ChangeAsync(counter, used: 0, raise, cancellationToken);
            if (reset)
            {
                known = await store.ChangeAsync(counter, -known.Used, raised: 0, cancellationToken);
            }

            counter.Written(0, known);
            counter.Brake();
            return known;
        }
        finally
        {
            counters.Release(counter);
        }
    }

    /// <summary>Charges what runs, writes what was charged, and cuts or slows down what has used up its quota.</summary>
    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        await _writing.WaitAsync(cancellationToken);
        try
        {
            foreach (var (meter, _) in _live)
            {
                meter.Charge();
            }

            if (options.CurrentValue.Ledger)
            {
                await WriteAsync(cancellationToken);
            }
            else
            {
                TakeUsers();
            }

            foreach (var (meter, _) in _live)
            {
                if (meter.CutIfUsedUp() is { } quota)
                {
                    metrics.Cut(quota);
                }
            }

            counters.Settle(options.CurrentValue.Ledger && database.IsAvailable);
        }
        finally
        {
            _writing.Release();
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await FlushAsync(cancellationToken);
    }

    public override void Dispose()
    {
        _writing.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            await Task.Delay(options.CurrentValue.FlushInterval, time, stoppingToken);
            await FlushAsync(stoppingToken);
        }
    }

    private async ValueTask LearnFromDatabaseAsync(QuotaCounter[] unknown, CancellationToken cancellationToken)
    {
        try
        {
            foreach (var counter in unknown)
            {
                if (!counter.IsKnown)
                {
                    counter.Written(0, await store.ChangeAsync(counter, used: 0, raised: 0, cancellationToken));
                }
            }
        }
        catch (DatabaseUnavailableException e)
        {
            NotWritten(logger, e); // the database says itself that it is away
        }
    }

    private async Task WriteAsync(CancellationToken cancellationToken)
    {
        // One more than the batch whose fate may be unknown: what came meanwhile waits for its own.
        while ((_unwritten ??= Collect()) is { } batch)
        {
            try
            {
                await PrepareAsync(cancellationToken);
                var states = await store.AddAsync(_instance, batch, cancellationToken);
                _unwritten = null;
                foreach (var (charge, state) in states)
                {
                    charge.Counter.Written(charge.Amount, state);
                }
            }
            catch (DatabaseUnavailableException e)
            {
                NotWritten(logger, e); // said aloud by the database itself, once per outage
                return;
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                Refused(logger, e);
                return;
            }
        }
    }

    private async ValueTask PrepareAsync(CancellationToken cancellationToken)
    {
        if (_isPrepared)
        {
            return;
        }

        await database.PrepareAsync(cancellationToken);
        await store.ForgetWritersAsync(time.GetUtcNow(), cancellationToken);
        _isPrepared = true;
    }

    private UsageBatch? Collect()
    {
        var users = TakeUsers();
        List<QuotaCharge> quotas = [];
        foreach (var counter in counters.All)
        {
            if (counter.TryTake(out var amount))
            {
                quotas.Add(new QuotaCharge(counter, amount));
            }
        }

        return users.Count == 0 && quotas.Count == 0 ? null : new UsageBatch(++_lastNumber, UsageStore.DayOf(time.GetUtcNow()), users, quotas);
    }

    private List<(string User, Usage Usage)> TakeUsers()
    {
        List<(string, Usage)> users = [];
        foreach (var entry in _users)
        {
            if (entry.Value.TakeOrRetire(out var usage))
            {
                _users.TryRemove(entry);
            }
            else if (!usage.IsNone)
            {
                users.Add((entry.Key, usage));
            }
        }

        return users;
    }

    [LoggerMessage(1, LogLevel.Debug, "Usage was not written; it is kept and tried again")]
    private static partial void NotWritten(ILogger logger, Exception exception);

    [LoggerMessage(2, LogLevel.Error, "The database refuses what was used; it is kept and tried again")]
    private static partial void Refused(ILogger logger, Exception exception);
}
