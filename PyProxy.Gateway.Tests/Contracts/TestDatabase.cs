using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Options;
using Npgsql;
using PyProxy.Gateway.State;
using PyProxy.Gateway.State.Database;

namespace PyProxy.Gateway.Tests.Contracts;

/// <summary>One database, and as many instances of the gateway's access to it as a test asks for.</summary>
internal sealed class TestDatabase : IAsyncDisposable
{
    private readonly TemporaryDirectory _directory = new("database");
    private readonly List<GatewayDatabase> _instances = [];

    private TestDatabase(string? connectionString) => ConnectionString = connectionString ?? $"Data Source={Path.Combine(_directory.Path, "test.db")}";

    public string ConnectionString { get; }

    public FakeLogCollector Logs { get; } = new();

    public static async Task<TestDatabase> CreateAsync(DatabaseEngine engine, PostgreSqlServer server)
        => new(engine == DatabaseEngine.PostgreSql ? await server.CreateDatabaseAsync() : null);

    /// <summary>Another instance, as another process would have it.</summary>
    public GatewayDatabase Instance(params MigrationSet[] migrations)
    {
        var database = new GatewayDatabase(
            Options.Create(new SharedStateOptions { Database = ConnectionString }),
            new ConfigurationBuilder().Build(),
            migrations,
            new DatabaseMetrics(new TestMeters()),
            new FakeLogger<GatewayDatabase>(Logs));
        _instances.Add(database);
        return database;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var instance in _instances)
        {
            await instance.DisposeAsync();
        }

        if (ConnectionString.StartsWith("Host", StringComparison.Ordinal))
        {
            await using var connection = new NpgsqlConnection(ConnectionString);
            NpgsqlConnection.ClearPool(connection);
        }
        else
        {
            Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        }

        _directory.Dispose();
    }
}
