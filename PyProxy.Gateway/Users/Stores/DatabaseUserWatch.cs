using System.Data.Common;
using Dapper;
using Npgsql;
using PyProxy.Gateway.State.Database;

namespace PyProxy.Gateway.Users.Stores;

/// <summary>
/// Learns at once whose record changed in the database, whoever changed it, and says so. Woken by NOTIFY (PostgreSQL) or by the file's data
/// version (SQLite); what changed stands in <c>user_changes</c>, so nothing is missed while the connection is down.
/// </summary>
internal sealed partial class DatabaseUserWatch(
    GatewayDatabase database, DatabaseUserStore store, UserChanges changes, TimeProvider time, ILogger<DatabaseUserWatch> logger) : BackgroundService
{
    /// <summary>How often SQLite's file is looked at, and how soon a lost connection is opened again. A look costs microseconds.</summary>
    internal static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    // A connection that died without a word is found by asking; NOTIFY needs no asking.
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(10);

    // Gateways that were away longer than this many changes forget everybody when they come back.
    private const int KeptChanges = 200_000;
    private const int BatchSize = 10_000;

    private long _revision = -1;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (store.NeedsDatabase && database.IsAvailable)
                {
                    await WatchAsync(stoppingToken);
                }
            }
            catch (Exception e) when (DatabaseFaults.MeansAway(e))
            {
                database.Away(e);
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                WatchFailed(logger, e);
            }

            await Task.Delay(Interval, time, stoppingToken);
        }
    }

    private async Task WatchAsync(CancellationToken stoppingToken)
    {
        await using var connection = await database.OpenAsync(stoppingToken);
        if (connection is NpgsqlConnection server)
        {
            await server.ExecuteAsync(new CommandDefinition($"LISTEN {UsersMigrations.Channel}", cancellationToken: stoppingToken));
            await CatchUpAsync(server, stoppingToken);
            while (store.NeedsDatabase)
            {
                await server.WaitAsync(Silence, stoppingToken);
                await CatchUpAsync(server, stoppingToken);
            }

            return;
        }

        var version = await VersionAsync(connection, stoppingToken);
        await CatchUpAsync(connection, stoppingToken);
        while (store.NeedsDatabase)
        {
            await Task.Delay(Interval, time, stoppingToken);
            var current = await VersionAsync(connection, stoppingToken);
            if (current != version)
            {
                version = current;
                await CatchUpAsync(connection, stoppingToken);
            }
        }
    }

    /// <summary>Changes on this connection only when another one has written.</summary>
    private static Task<long> VersionAsync(DbConnection connection, CancellationToken cancellationToken)
        => connection.ExecuteScalarAsync<long>(new CommandDefinition("PRAGMA data_version", cancellationToken: cancellationToken));

    private async Task CatchUpAsync(DbConnection connection, CancellationToken cancellationToken)
    {
        var (first, last) = await connection.QuerySingleAsync<(long First, long Last)>(new CommandDefinition(
            "SELECT COALESCE(MIN(revision), 0), COALESCE(MAX(revision), 0) FROM user_changes", cancellationToken: cancellationToken));
        if (_revision < 0 || first > _revision + 1)
        {
            _revision = last;
            changes.PublishAll(); // what happened since is not known, or no longer
            return;
        }

        while (_revision < last)
        {
            var batch = (await connection.QueryAsync<(long Revision, string Name)>(new CommandDefinition(
                "SELECT revision, name FROM user_changes WHERE revision > @revision ORDER BY revision LIMIT @limit",
                new { revision = _revision, limit = BatchSize },
                cancellationToken: cancellationToken))).AsList();
            if (batch.Count == 0)
            {
                break;
            }

            changes.Publish(batch.Select(change => change.Name).ToHashSet(StringComparer.Ordinal));
            _revision = batch[^1].Revision;
        }

        if (last - first > 2 * KeptChanges)
        {
            await connection.ExecuteAsync(new CommandDefinition(
                "DELETE FROM user_changes WHERE revision <= @revision", new { revision = last - KeptChanges }, cancellationToken: cancellationToken));
        }
    }

    [LoggerMessage(1, LogLevel.Error, "Watching the database for changes of users failed; it is tried again")]
    private static partial void WatchFailed(ILogger logger, Exception exception);
}
