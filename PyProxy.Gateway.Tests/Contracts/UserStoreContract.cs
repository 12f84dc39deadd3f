using System.Threading.Channels;
using Microsoft.Extensions.Logging.Testing;
using PyProxy.Gateway.State.Database;
using PyProxy.Gateway.Tests.Listeners;
using PyProxy.Gateway.Users;
using PyProxy.Gateway.Users.Passwords;
using PyProxy.Gateway.Users.Stores;

namespace PyProxy.Gateway.Tests.Contracts;

public sealed class SqliteUserStoreTests(PostgreSqlServer server) : UserStoreContract(server)
{
    private protected override DatabaseEngine Engine => DatabaseEngine.Sqlite;
}

public sealed class PostgreSqlUserStoreTests(PostgreSqlServer server) : UserStoreContract(server)
{
    private protected override DatabaseEngine Engine => DatabaseEngine.PostgreSql;
}

/// <summary>What the store of users does alike on every engine.</summary>
public abstract class UserStoreContract(PostgreSqlServer server)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly StaticOptions<UsersOptions> Options = new(new UsersOptions { Stores = ["Database"] });

    private protected abstract DatabaseEngine Engine { get; }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task AddedUser_IsFoundWithEverything()
    {
        await using var test = await TestDatabase.CreateAsync(Engine, server);
        var (records, store) = await OpenAsync(test);
        var hash = KeyedHash.CreateGenerated("secret").ToString();
        Assert.True(await records.AddAsync(new UserRecord { Name = "älice", PasswordHash = hash, Groups = ["staff", "a;b"], Plan = "gold", EgressProfile = "abroad" }, Cancellation));
        Assert.False(await records.AddAsync(new UserRecord { Name = "älice" }, Cancellation));

        var user = await store.FindAsync("älice", Cancellation);
        Assert.Equal(("älice", "gold", "abroad", false), (user!.Account.Name, user.Account.Plan, user.Account.EgressProfile, user.Disabled));
        Assert.Equal(["staff", "a;b"], user.Account.Groups);
        Assert.True(user.Hash!.Verify("secret"));
        Assert.Null(await store.FindAsync("Älice", Cancellation));
    }

    [Fact]
    public async Task Changes_TouchWhatTheyName()
    {
        await using var test = await TestDatabase.CreateAsync(Engine, server);
        var (records, _) = await OpenAsync(test);
        await records.AddAsync(new UserRecord { Name = "bob", PasswordHash = "x", Groups = ["a"], Plan = "p", EgressProfile = "e" }, Cancellation);
        Assert.True(await records.ChangeAsync("bob", new UserChange { Disabled = true }, Cancellation));
        var disabled = await records.FindAsync("bob", Cancellation);
        Assert.True(await records.ChangeAsync("bob", new UserChange { Plan = "", EgressProfile = "", Groups = [], Disabled = false }, Cancellation));
        var cleared = await records.FindAsync("bob", Cancellation);

        Assert.Equal((true, "p", "e", "x"), (disabled!.Disabled, disabled.Plan, disabled.EgressProfile, disabled.PasswordHash));
        Assert.Equal((false, null, null, "x"), (cleared!.Disabled, cleared.Plan, cleared.EgressProfile, cleared.PasswordHash));
        Assert.Empty(cleared.Groups);
        Assert.False(await records.ChangeAsync("nobody", new UserChange { Disabled = true }, Cancellation));
    }

    [Fact]
    public async Task ApiKey_FindsItsUser_AndGoesWithIt()
    {
        await using var test = await TestDatabase.CreateAsync(Engine, server);
        var (records, store) = await OpenAsync(test);
        var (id, key) = GeneratedCredential.NewApiKey();
        await records.AddAsync(new UserRecord { Name = "bob" }, Cancellation);
        await records.AddApiKeyAsync("bob", id, KeyedHash.CreateGenerated(key), "laptop", Cancellation);

        var found = await store.FindApiKeyAsync(id, Cancellation);
        Assert.Equal("bob", found!.User.Account.Name);
        Assert.True(found.Hash.Verify(key));
        Assert.Equal("laptop", Assert.Single(await records.ApiKeysAsync("bob", Cancellation)).Label);
        Assert.False(await records.RemoveApiKeyAsync("alice", id, Cancellation));
        Assert.True(await records.RemoveAsync("bob", Cancellation));
        Assert.Null(await store.FindApiKeyAsync(id, Cancellation));
        Assert.False(await records.RemoveAsync("bob", Cancellation));
    }

    [Fact]
    public async Task List_IsPagedByName()
    {
        await using var test = await TestDatabase.CreateAsync(Engine, server);
        var (records, _) = await OpenAsync(test);
        await records.ImportAsync(Batches(25), replace: false, _ => { }, () => true, Cancellation);

        var first = await records.ListAsync("", 10, Cancellation);
        var second = await records.ListAsync(first[^1].Name, 100, Cancellation);
        Assert.Equal(10, first.Count);
        Assert.Equal(15, second.Count);
        Assert.Equal("user00010", second[0].Name);
    }

    [Fact]
    public async Task Import_TakesBackEverything_IfToldTo()
    {
        await using var test = await TestDatabase.CreateAsync(Engine, server);
        var (records, _) = await OpenAsync(test);
        Assert.Equal(0, await records.ImportAsync(Batches(2500), replace: false, _ => { }, () => false, Cancellation));

        Assert.Empty(await records.ListAsync("", 10, Cancellation));
    }

    [Fact]
    public async Task Import_NamesWhoExists_OrReplaces()
    {
        await using var test = await TestDatabase.CreateAsync(Engine, server);
        var (records, _) = await OpenAsync(test);
        await records.AddAsync(new UserRecord { Name = "user00003", Plan = "old" }, Cancellation);
        List<string> existing = [];
        var added = await records.ImportAsync(Batches(10), replace: false, existing.AddRange, () => true, Cancellation);
        Assert.Equal(9, added);
        Assert.Equal(["user00003"], existing);
        Assert.Equal("old", (await records.FindAsync("user00003", Cancellation))!.Plan);

        Assert.Equal(10, await records.ImportAsync(Batches(10), replace: true, existing.AddRange, () => true, Cancellation));
        Assert.Null((await records.FindAsync("user00003", Cancellation))!.Plan);
    }

    [Fact]
    public async Task Upgrade_ReplacesOnlyTheHashThatWasVerified()
    {
        await using var test = await TestDatabase.CreateAsync(Engine, server);
        var (records, store) = await OpenAsync(test);
        await records.AddAsync(new UserRecord { Name = "bob", PasswordHash = "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=" }, Cancellation);
        var user = await store.FindAsync("bob", Cancellation);
        Assert.True(user!.Hash!.Verify("password"));
        var stronger = KeyedHash.CreateGenerated("password");
        await store.UpgradeAsync(user, stronger, Cancellation);
        await store.UpgradeAsync(user, KeyedHash.CreateGenerated("late"), Cancellation);

        Assert.Equal(stronger.ToString(), (await records.FindAsync("bob", Cancellation))!.PasswordHash);
    }

    [Fact]
    public async Task ChangeByAnotherInstance_IsNoticedWithinASecond()
    {
        await using var test = await TestDatabase.CreateAsync(Engine, server);
        var (elsewhere, _) = await OpenAsync(test);
        await elsewhere.AddAsync(new UserRecord { Name = "bob" }, Cancellation);
        await using var watch = await WatchAsync(test);

        foreach (var change in (Func<Task>[])
            [
                () => elsewhere.ChangeAsync("bob", new UserChange { Disabled = true }, Cancellation),
                () => elsewhere.AddApiKeyAsync("bob", "abcdefghij", KeyedHash.CreateGenerated("x"), "", Cancellation),
                () => elsewhere.RemoveApiKeyAsync("bob", "abcdefghij", Cancellation),
                () => elsewhere.RemoveAsync("bob", Cancellation),
            ])
        {
            await change();
            var changedAt = System.Diagnostics.Stopwatch.StartNew();
            Assert.Equal(["bob"], await watch.NextAsync());
            Assert.True(changedAt.Elapsed < Patience);
        }
    }

    [Fact]
    public async Task ImportOfVeryMany_IsNoticedWhole()
    {
        await using var test = await TestDatabase.CreateAsync(Engine, server);
        var (elsewhere, _) = await OpenAsync(test);
        await using var watch = await WatchAsync(test);
        await elsewhere.ImportAsync(Batches(12_000), replace: false, _ => { }, () => true, Cancellation);

        var seen = 0;
        while (seen < 12_000)
        {
            seen += (await watch.NextAsync())!.Count;
        }

        Assert.Equal(12_000, seen);
    }

    private static async IAsyncEnumerable<IReadOnlyList<UserRecord>> Batches(int count)
    {
        await Task.CompletedTask;
        foreach (var batch in Enumerable.Range(0, count).Chunk(1000))
        {
            yield return [.. batch.Select(i => new UserRecord { Name = $"user{i:D5}", PasswordHash = "x" })];
        }
    }

    private static async Task<(UserRecords Records, DatabaseUserStore Store)> OpenAsync(TestDatabase test)
    {
        var database = test.Instance(UsersMigrations.Create());
        await database.PrepareAsync(Cancellation);
        return (new UserRecords(database, TimeProvider.System), new DatabaseUserStore(database, Options, TimeProvider.System));
    }

    private static async Task<Watch> WatchAsync(TestDatabase test)
    {
        var database = test.Instance(UsersMigrations.Create());
        await database.PrepareAsync(Cancellation);
        var watch = new Watch(database);
        await watch.StartAsync();
        return watch;
    }

    /// <summary>An instance that listens for changes, as a gateway does.</summary>
    private sealed class Watch : IAsyncDisposable
    {
        private readonly Channel<IReadOnlySet<string>?> _changes = Channel.CreateUnbounded<IReadOnlySet<string>?>();
        private readonly DatabaseUserWatch _watch;

        public Watch(GatewayDatabase database)
        {
            var changes = new UserChanges();
            changes.Subscribe(names => _changes.Writer.TryWrite(names));
            _watch = new DatabaseUserWatch(
                database, new DatabaseUserStore(database, Options, TimeProvider.System), changes, TimeProvider.System, new FakeLogger<DatabaseUserWatch>());
        }

        public async Task StartAsync()
        {
            await _watch.StartAsync(Cancellation);
            Assert.Null(await NextAsync()); // what was before it began is not known
        }

        public async Task<IReadOnlySet<string>?> NextAsync() => await _changes.Reader.ReadAsync(Cancellation).AsTask().WaitAsync(Patience);

        public async ValueTask DisposeAsync()
        {
            await _watch.StopAsync(CancellationToken.None);
            _watch.Dispose();
        }
    }
}
