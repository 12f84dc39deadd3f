using PyProxy.Gateway.Limits.Plans;
using PyProxy.Gateway.Limits.Quotas;
using PyProxy.Gateway.State.Database;

namespace PyProxy.Gateway.Tests.Contracts;

public sealed class SqliteUsageStoreTests(PostgreSqlServer server) : UsageStoreContract(server)
{
    private protected override DatabaseEngine Engine => DatabaseEngine.Sqlite;
}

public sealed class PostgreSqlUsageStoreTests(PostgreSqlServer server) : UsageStoreContract(server)
{
    private protected override DatabaseEngine Engine => DatabaseEngine.PostgreSql;
}

/// <summary>The ledger on every engine.</summary>
public abstract class UsageStoreContract(PostgreSqlServer server)
{
    private static readonly Usage Some = new(Requests: 10, BytesUp: 5_000_000_000, BytesDown: 7_000_000_000, Tunnels: 2, Refusals: 1);

    private static readonly QuotaCounter Counter = CounterOf("alice");

    private protected abstract DatabaseEngine Engine { get; }

    [Fact]
    public async Task BatchSentTwice_IsCountedOnce()
    {
        await using var test = await TestDatabase.CreateAsync(Engine, server);
        var store = await StoreAsync(test);
        var batch = new UsageBatch(1, "2026-03-01", [("alice", Some)], [new QuotaCharge(Counter, 12)]);

        await store.AddAsync("one", batch, TestContext.Current.CancellationToken);
        var states = await store.AddAsync("one", batch, TestContext.Current.CancellationToken);

        Assert.Equal(Some, await store.SumAsync("alice", "2026-03-01", TestContext.Current.CancellationToken));
        Assert.Equal(12, Assert.Single(states).State.Used);
    }

    [Fact]
    public async Task BatchesOfSeveralGateways_AddUp()
    {
        await using var test = await TestDatabase.CreateAsync(Engine, server);
        UsageStore[] stores = [await StoreAsync(test), await StoreAsync(test), await StoreAsync(test)];

        await Task.WhenAll(stores.Index().Select(entry => Task.Run(async () =>
        {
            for (var number = 1; number <= 20; number++)
            {
                await entry.Item.AddAsync(
                    $"gateway {entry.Index}",
                    new UsageBatch(number, "2026-03-01", [("bob", Some), ("alice", Some)], [new QuotaCharge(Counter, 5)]),
                    TestContext.Current.CancellationToken);
            }
        })));

        var total = await stores[0].SumAsync("alice", "2026-03-01", TestContext.Current.CancellationToken);
        Assert.Equal((600, 60 * Some.BytesUp), (total.Requests, total.BytesUp));
        var state = await stores[1].ChangeAsync(Counter, used: 0, raised: 0, TestContext.Current.CancellationToken);
        Assert.Equal(300, state.Used);
    }

    [Fact]
    public async Task SumOfAMonth_LeavesOutWhatWasBefore()
    {
        await using var test = await TestDatabase.CreateAsync(Engine, server);
        var store = await StoreAsync(test);
        await store.AddAsync("one", new UsageBatch(1, "2026-02-28", [("alice", Some)], []), TestContext.Current.CancellationToken);
        await store.AddAsync("one", new UsageBatch(2, "2026-03-01", [("alice", Some)], []), TestContext.Current.CancellationToken);

        Assert.Equal(Some, await store.SumAsync("alice", "2026-03-01", TestContext.Current.CancellationToken));
        Assert.Equal(Some + Some, await store.SumAsync("alice", "2026-02-01", TestContext.Current.CancellationToken));
        Assert.Equal(default, await store.SumAsync("nobody", "2026-02-01", TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task CounterChangedByHand_IsRaisedAndReset()
    {
        await using var test = await TestDatabase.CreateAsync(Engine, server);
        var store = await StoreAsync(test);

        await store.ChangeAsync(Counter, used: 70, raised: 0, TestContext.Current.CancellationToken);
        var raised = await store.ChangeAsync(Counter, used: 0, raised: 50, TestContext.Current.CancellationToken);
        var reset = await store.ChangeAsync(Counter, used: -70, raised: 0, TestContext.Current.CancellationToken);

        Assert.Equal((70, 50), (raised.Used, raised.Raised));
        Assert.Equal((0, 50), (reset.Used, reset.Raised));
    }

    [Fact]
    public async Task Counters_AreFoundByUserAndByWhoHasUsedMost()
    {
        await using var test = await TestDatabase.CreateAsync(Engine, server);
        var store = await StoreAsync(test);
        QuotaCounter[] counters = [CounterOf("alice"), CounterOf("b%_!:|"), CounterOf("carol")];
        await store.AddAsync("one", new UsageBatch(1, "2026-03-01", [], [.. counters.Select(static (counter, i) => new QuotaCharge(counter, 100 - (10 * i)))]), TestContext.Current.CancellationToken);

        var own = await store.CountersAsync([counters[1].Name, "9:nobody|plan standard: requests/day"], TestContext.Current.CancellationToken);
        Assert.Equal(90, Assert.Single(own).Used);
        var most = await store.CountersOverAsync(counters[0].Quota, counters[0].Period.Name, least: 90, most: 10, TestContext.Current.CancellationToken);
        Assert.Equal(["alice", "b%_!:|"], most.Select(row => QuotaCounter.TryParseUser(row.Counter, counters[0].Quota, out var user) ? user : null));
    }

    private static QuotaCounter CounterOf(string user)
    {
        Assert.True(LimitParser.TryParseQuota("standard", "100 requests/day", out var quota));
        return new QuotaCounter(user, quota, QuotaPeriodRange.At(quota, DateTimeOffset.UnixEpoch));
    }

    private static async Task<UsageStore> StoreAsync(TestDatabase test)
    {
        var database = test.Instance(UsageTables.Migrations);
        await database.PrepareAsync(TestContext.Current.CancellationToken);
        return new UsageStore(database);
    }
}
