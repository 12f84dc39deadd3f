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
    UsageStore store, GatewayDatabase database, IOptionsMonitor<UsageOptions> options, QuotaMetrics metrics, TimeProvider time,
    ILogger<UsageLedger> logger)
    : BackgroundService, IDatabaseConsumer
{
    private readonly string _instance = RandomNumberGenerator.GetHexString(16, lowercase: true);
    private readonly ConcurrentDictionary<string, UserUsage> _users = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, QuotaCounter> _counters = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<UsageMeter, byte> _live = new();
    private readonly SemaphoreSlim _writing = new(1);
    private UsageBatch? _unwritten;
    private long _lastNumber;
    private bool _isPrepared;

    // A gateway without users needs no database.
    public bool NeedsDatabase => options.CurrentValue.Ledger && !_users.IsEmpty;

    /// <summary>Counts an exchange of a user, until it ends.</summary>
    public UsageMeter Begin(string userName, Exchange exchange, HttpContext context)
    {
        var user = _users.GetOrAdd(userName, static name => new UserUsage(name));
        user.Add(new Usage(Requests: 1, 0, 0, 0, 0));
        var meter = new UsageMeter(this, user, exchange, context);
        _live[meter] = 0;
        exchange.HoldUntilEnd(meter);
        return meter;
    }

    /// <summary>What runs is cut because this is used up.</summary>
    public void WasCut(QuotaCounter counter) => metrics.Cut(counter.Quota);

    public void Ended(UsageMeter meter) => _live.TryRemove(meter, out _);

    /// <summary>The counter of a quota in the period that is now.</summary>
    public QuotaCounter CounterOf(string user, QuotaLimit quota)
    {
        // The length in front: no name can be taken for another with a part of the quota's.
        var name = string.Create(CultureInfo.InvariantCulture, $"{user.Length}:{user}|{quota.FullName}");
        while (true)
        {
            if (!_counters.TryGetValue(name, out var counter))
            {
                counter = _counters.GetOrAdd(name, new QuotaCounter(name, quota, QuotaPeriodRange.At(quota, time.GetUtcNow())));
            }

            if (time.GetUtcNow() < counter.Period.End && IsSamePeriod(counter.Quota, quota))
            {
                counter.Quota = quota;
                return counter;
            }

            var next = new QuotaCounter(name, quota, QuotaPeriodRange.At(quota, time.GetUtcNow()));
            if (_counters.TryUpdate(name, next, counter))
            {
                return next;
            }
        }
    }

    /// <summary>The same quota's counter, or that of the next period where this one is over.</summary>
    public QuotaCounter Current(QuotaCounter counter, string user)
        => time.GetUtcNow() < counter.Period.End ? counter : CounterOf(user, counter.Quota);

    /// <summary>Learns from the database what a counter says that this run has not met yet.</summary>
    public async ValueTask LearnAsync(QuotaCounter counter, CancellationToken cancellationToken)
    {
        if (counter.IsKnown || !options.CurrentValue.Ledger)
        {
            return;
        }

        try
        {
            await PrepareAsync(cancellationToken);
            counter.Written(0, await store.ChangeAsync(counter, used: 0, raised: 0, cancellationToken));
        }
        catch (DatabaseUnavailableException e)
        {
            NotWritten(logger, e); // the database says itself that it is away; until it is back the quota begins at nothing
        }
    }

    /// <summary>What a user has used since the beginning of a day, in UTC, with what is not written yet.</summary>
    public async Task<Usage> SinceAsync(string user, DateOnly day, CancellationToken cancellationToken)
    {
        await FlushAsync(cancellationToken);
        var written = await store.SumAsync(user, day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), cancellationToken);
        return written + (_users.TryGetValue(user, out var pending) ? pending.Pending : default);
    }

    /// <summary>Sets a quota's use in this period to nothing, or raises what it allows in this period.</summary>
    public async Task<QuotaCounter> ChangeAsync(string user, QuotaLimit quota, bool reset, long raise, CancellationToken cancellationToken)
    {
        await FlushAsync(cancellationToken);
        var counter = CounterOf(user, quota);
        var known = await store.ChangeAsync(counter, used: 0, raise, cancellationToken);
        if (reset)
        {
            known = await store.ChangeAsync(counter, -known.Used, raised: 0, cancellationToken);
        }

        counter.Written(0, known);
        return counter;
    }

    /// <summary>Charges what runs, writes what was charged, and cuts what has used up its quota.</summary>
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

            foreach (var (meter, _) in _live)
            {
                meter.CutIfUsedUp();
            }
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
        metrics.Observe(CurrentCounters);
        while (!stoppingToken.IsCancellationRequested)
        {
            await Task.Delay(options.CurrentValue.FlushInterval, time, stoppingToken);
            await FlushAsync(stoppingToken);
        }
    }

    private IEnumerable<QuotaCounter> CurrentCounters()
    {
        var now = time.GetUtcNow();
        foreach (var (_, counter) in _counters)
        {
            if (now < counter.Period.End)
            {
                yield return counter;
            }
        }
    }

    private static bool IsSamePeriod(QuotaLimit one, QuotaLimit other)
        => ReferenceEquals(one, other) || (one.Period == other.Period && one.StartDay == other.StartDay && one.TimeZone.Equals(other.TimeZone));

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
                foreach (var state in states)
                {
                    var charge = batch.Quotas.First(charge => ReferenceEquals(charge.Counter, state.Counter));
                    state.Counter.Written(charge.Amount, state);
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
        List<(string, Usage)> users = [];
        foreach (var (name, user) in _users)
        {
            if (user.Take() is { IsNone: false } usage)
            {
                users.Add((name, usage));
            }
        }

        List<QuotaCharge> quotas = [];
        foreach (var (_, counter) in _counters)
        {
            if (counter.Take() is var amount and not 0)
            {
                quotas.Add(new QuotaCharge(counter, amount));
            }
        }

        return users.Count == 0 && quotas.Count == 0 ? null : new UsageBatch(++_lastNumber, UsageStore.DayOf(time.GetUtcNow()), users, quotas);
    }

    [LoggerMessage(1, LogLevel.Debug, "Usage was not written; it is kept and tried again")]
    private static partial void NotWritten(ILogger logger, Exception exception);

    [LoggerMessage(2, LogLevel.Error, "The database refuses what was used; it is kept and tried again")]
    private static partial void Refused(ILogger logger, Exception exception);
}
