using Dapper;
using PyProxy.Gateway.State.Database;

namespace PyProxy.Gateway.Tests.Contracts;

public sealed class SqliteDatabaseTests(PostgreSqlServer server) : DatabaseContract(server)
{
    private protected override DatabaseEngine Engine => DatabaseEngine.Sqlite;
}

public sealed class PostgreSqlDatabaseTests(PostgreSqlServer server) : DatabaseContract(server)
{
    private protected override DatabaseEngine Engine => DatabaseEngine.PostgreSql;
}

/// <summary>What every engine does alike.</summary>
public abstract class DatabaseContract(PostgreSqlServer server)
{
    private static readonly MigrationSet First = new(
        "sample", Step(1, "CREATE TABLE sample (name TEXT PRIMARY KEY)"), Step(2, "INSERT INTO sample VALUES ('once')"));

    private static readonly MigrationSet Second = new("sample", [.. First.Steps, Step(3, "INSERT INTO sample VALUES ('later')")]);

    private protected abstract DatabaseEngine Engine { get; }

    [Fact]
    public async Task ManyInstancesStartingAtOnce_MigrateOnce()
    {
        await using var test = await TestDatabase.CreateAsync(Engine, server);
        var instances = Enumerable.Range(0, 8).Select(_ => test.Instance(First)).ToList();
        await Task.WhenAll(instances.Select(i => Task.Run(() => i.PrepareAsync(TestContext.Current.CancellationToken))));

        Assert.All(instances, i => Assert.True(i.IsAvailable));
        Assert.Equal(["once"], await NamesAsync(instances[3]));
        Assert.Single(test.Logs.GetSnapshot(), r => r.Message.Contains("sample brought to version 2", StringComparison.Ordinal));
    }

    [Fact]
    public async Task LaterProgram_RunsOnlyTheStepsThatAreNew_AndTheEarlierOneGoesOn()
    {
        await using var test = await TestDatabase.CreateAsync(Engine, server);
        await test.Instance(First).PrepareAsync(TestContext.Current.CancellationToken);
        await test.Instance(Second).PrepareAsync(TestContext.Current.CancellationToken);
        var earlier = test.Instance(First);
        await earlier.PrepareAsync(TestContext.Current.CancellationToken);

        Assert.Equal(["later", "once"], await NamesAsync(earlier));
    }

    [Fact]
    public async Task FailedStep_LeavesNothingBehind()
    {
        await using var test = await TestDatabase.CreateAsync(Engine, server);
        var broken = test.Instance(new MigrationSet("sample", Step(1, "CREATE TABLE sample (name TEXT PRIMARY KEY)"), Step(2, "CREATE NONSENSE")));
        await Assert.ThrowsAnyAsync<System.Data.Common.DbException>(() => broken.PrepareAsync(TestContext.Current.CancellationToken));
        Assert.False(broken.IsAvailable);

        var right = test.Instance(First);
        await right.PrepareAsync(TestContext.Current.CancellationToken);
        Assert.Equal(["once"], await NamesAsync(right));
    }

    [Fact]
    public async Task MoreUsersThanConnections_AllGetTheirTurn()
    {
        await using var test = await TestDatabase.CreateAsync(Engine, server);
        var database = test.Instance(First);
        await database.PrepareAsync(TestContext.Current.CancellationToken);
        var counts = await Task.WhenAll(Enumerable.Range(0, 500).Select(_ => NamesAsync(database)));

        Assert.All(counts, names => Assert.Single(names));
        Assert.True(database.IsAvailable);
    }

    [Fact]
    public async Task DatabaseThatWasNotPrepared_RefusesAtOnce()
    {
        await using var test = await TestDatabase.CreateAsync(Engine, server);
        await Assert.ThrowsAsync<DatabaseUnavailableException>(() => NamesAsync(test.Instance(First)));
    }

    private static Migration Step(int version, string sql) => new(version, sql, sql);

    private static Task<List<string>> NamesAsync(GatewayDatabase database) => database.UseAsync(
        static async (connection, _) => (await connection.QueryAsync<string>("SELECT name FROM sample ORDER BY name")).AsList(),
        TestContext.Current.CancellationToken);
}
