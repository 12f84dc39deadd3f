using System.Data;
using System.Data.Common;
using Dapper;

namespace PyProxy.Gateway.State.Database;

/// <summary>
/// Brings tables up to date, all in one transaction under one lock: of several instances that start at once one does it, the others wait and
/// find it done. A database that is newer than the program is left alone: in a rolling update the older instances still run.
/// </summary>
internal static class Migrator
{
    /// <summary>Which migrations have been made; there in every database that has been prepared.</summary>
    internal const string TableName = "gateway_migrations";

    private const int PatienceSeconds = 60;

    private const string Table = $"""
        CREATE TABLE IF NOT EXISTS {TableName} (
            feature TEXT NOT NULL,
            version INTEGER NOT NULL,
            PRIMARY KEY (feature, version));
        """;

    // Any number that nobody else locks: "pyproxy" in ASCII.
    private const string PostgreSqlLock = "SELECT pg_advisory_xact_lock(31663796087814265)";

    /// <returns>What was brought up to date, to which version.</returns>
    public static async Task<IReadOnlyList<(string Feature, int Version)>> MigrateAsync(
        DbConnection connection, DatabaseEngine engine, IReadOnlyList<MigrationSet> sets, CancellationToken cancellationToken)
    {
        if (engine == DatabaseEngine.Sqlite)
        {
            // Readers and a writer do not wait for each other. A property of the file; it cannot be set within a transaction.
            await connection.ExecuteAsync(Command("PRAGMA journal_mode = WAL", transaction: null, cancellationToken));
        }

        // SQLite: BEGIN IMMEDIATE, which is its lock.
        await using var transaction = await connection.BeginTransactionAsync(
            engine == DatabaseEngine.Sqlite ? IsolationLevel.Serializable : IsolationLevel.ReadCommitted, cancellationToken);
        if (engine == DatabaseEngine.PostgreSql)
        {
            await connection.ExecuteAsync(Command(PostgreSqlLock, transaction, cancellationToken));
        }

        await connection.ExecuteAsync(Command(Table, transaction, cancellationToken));
        List<(string, int)> migrated = [];
        foreach (var set in sets)
        {
            var version = await connection.ExecuteScalarAsync<int>(
                Command($"SELECT COALESCE(MAX(version), 0) FROM {TableName} WHERE feature = @Feature", transaction, cancellationToken, new { set.Feature }));
            foreach (var step in set.Steps.Skip(version))
            {
                await connection.ExecuteAsync(Command(step.For(engine), transaction, cancellationToken));
                await connection.ExecuteAsync(Command(
                    $"INSERT INTO {TableName} (feature, version) VALUES (@Feature, @Version)", transaction, cancellationToken, new { set.Feature, step.Version }));
            }

            if (version < set.Steps.Count)
            {
                migrated.Add((set.Feature, set.Steps.Count));
            }
        }

        await transaction.CommitAsync(cancellationToken);
        return migrated;
    }

    private static CommandDefinition Command(string sql, DbTransaction? transaction, CancellationToken cancellationToken, object? parameters = null)
        => new(sql, parameters, transaction, PatienceSeconds, cancellationToken: cancellationToken);
}
