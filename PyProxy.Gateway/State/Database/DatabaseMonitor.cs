using Dapper;

namespace PyProxy.Gateway.State.Database;

/// <summary>Prepares the database before the gateway listens, as soon as a feature needs it, and finds out when it goes away and comes back.</summary>
internal sealed partial class DatabaseMonitor(
    GatewayDatabase database, IEnumerable<IDatabaseConsumer> consumers, TimeProvider time, ILogger<DatabaseMonitor> logger) : BackgroundService
{
    /// <summary>How long an outage that no request has met yet goes unnoticed, and how soon its end is noticed.</summary>
    internal static readonly TimeSpan Interval = TimeSpan.FromSeconds(2);

    private const string Probe = $"SELECT COUNT(*) FROM {Migrator.TableName}";

    private readonly IDatabaseConsumer[] _consumers = [.. consumers];

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await LookAsync(cancellationToken);
        await base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            await LookAsync(stoppingToken);
        }
    }

    private async Task LookAsync(CancellationToken cancellationToken)
    {
        if (!Array.Exists(_consumers, static consumer => consumer.NeedsDatabase))
        {
            return;
        }

        try
        {
            if (database.IsAvailable)
            {
                // A table's rows: what SELECT 1 asks, SQLite answers without its file.
                await database.UseAsync(
                    static (connection, cancellation) => connection.ExecuteScalarAsync<int>(new CommandDefinition(Probe, cancellationToken: cancellation)),
                    cancellationToken);
            }
            else
            {
                await database.PrepareAsync(cancellationToken);
            }
        }
        catch (DatabaseUnavailableException)
        {
            // Logged, counted and shown by the database itself, once per outage.
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // A statement that this server refuses: nothing that waiting mends, but no reason to stop serving everyone else either.
            database.Away(e);
            CannotPrepare(logger, e);
        }
    }

    [LoggerMessage(1, LogLevel.Error, "The database's tables could not be prepared")]
    private static partial void CannotPrepare(ILogger logger, Exception exception);
}
