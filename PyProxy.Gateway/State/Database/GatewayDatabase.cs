using System.Data.Common;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Options;
using Npgsql;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.State.Database;

/// <summary>
/// The database that users and usage live in: hands out connections, and knows whether it is there. While it is away every use fails at once
/// instead of waiting for a time-out of its own; <see cref="DatabaseMonitor"/> finds out when it is back.
/// </summary>
internal sealed partial class GatewayDatabase : IAsyncDisposable
{
    private const string HealthPart = "database";
    private const string NotPreparedYet = "it has not been prepared yet.";

    private readonly MigrationSet[] _migrations;
    private readonly DatabaseMetrics _metrics;
    private readonly IHealthSignal? _health;
    private readonly ILogger<GatewayDatabase> _logger;
    private readonly NpgsqlDataSource? _server;
    private readonly SemaphoreSlim _connections;
    private readonly Lock _gate = new();
    private volatile string? _away = NotPreparedYet;

    public GatewayDatabase(
        IOptions<SharedStateOptions> options,
        IConfiguration configuration,
        IEnumerable<MigrationSet> migrations,
        DatabaseMetrics metrics,
        ILogger<GatewayDatabase> logger,
        IHealthSignal? health = null)
    {
        if (!DatabaseAddress.TryParse(options.Value.Database, configuration["Gateway:DataDirectory"] ?? "data", out var address, out var mistake))
        {
            throw new InvalidOperationException($"Gateway:SharedState:Database {mistake}");
        }

        Address = address;
        _migrations = [.. migrations];
        _metrics = metrics;
        _health = health;
        _logger = logger;
        _server = address.Engine == DatabaseEngine.PostgreSql ? NpgsqlDataSource.Create(address.ConnectionString) : null;
        _connections = new SemaphoreSlim(address.PoolSize);
    }

    public DatabaseAddress Address { get; }

    public DatabaseEngine Engine => Address.Engine;

    public bool IsAvailable => _away is null;

    /// <summary>
    /// Runs work on a connection of its own. More callers than connections wait for their turn here, without a deadline but their own: the
    /// driver's pool would call a crowd an outage.
    /// </summary>
    /// <exception cref="DatabaseUnavailableException">The database is away. Thrown at once where that is known already.</exception>
    public async Task<T> UseAsync<T>(Func<DbConnection, CancellationToken, Task<T>> work, CancellationToken cancellationToken)
    {
        ThrowIfAway();
        await _connections.WaitAsync(cancellationToken);
        try
        {
            ThrowIfAway(); // it may have gone away while this one waited
            await using var connection = await OpenAsync(cancellationToken);
            return await work(connection, cancellationToken);
        }
        catch (Exception e) when (DatabaseFaults.MeansAway(e))
        {
            throw Away(e);
        }
        finally
        {
            _connections.Release();
        }
    }

    /// <summary>Brings the tables up to date and declares the database available. Safe while other instances do the same.</summary>
    /// <exception cref="DatabaseUnavailableException">The database is away.</exception>
    public async Task PrepareAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await OpenAsync(cancellationToken);
            foreach (var (feature, version) in await Migrator.MigrateAsync(connection, Engine, _migrations, cancellationToken))
            {
                Migrated(_logger, feature, version);
            }
        }
        catch (Exception e) when (DatabaseFaults.MeansAway(e))
        {
            throw Away(e);
        }

        Back();
    }

    /// <summary>A connection beside the counted ones, for a listener that keeps it. Whoever opens it closes it.</summary>
    public async Task<DbConnection> OpenAsync(CancellationToken cancellationToken)
    {
        if (_server is not null)
        {
            return await _server.OpenConnectionAsync(cancellationToken);
        }

        CreateFile(Address.File!);
        var connection = new SqliteConnection(Address.ConnectionString);
        try
        {
            await connection.OpenAsync(cancellationToken);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        _connections.Dispose();
    }

    /// <summary>Notes that the database is away, for those who learnt it on a connection from <see cref="OpenAsync"/>.</summary>
    internal DatabaseUnavailableException Away(Exception cause)
    {
        _metrics.Failed();
        _metrics.Available(available: false);
        lock (_gate)
        {
            if (_away is null or NotPreparedYet)
            {
                WentAway(_logger, Address.DisplayName, cause.Message);
                _health?.Degrade(HealthPart, "The database does not answer; users who were verified a short while ago stay, nobody new gets in.");
            }

            _away = cause.Message;
        }

        return new DatabaseUnavailableException($"The database ({Address.DisplayName}) is away: {cause.Message}", cause);
    }

    private void Back()
    {
        _metrics.Available(available: true);
        lock (_gate)
        {
            if (_away is not null)
            {
                _away = null;
                _health?.Restore(HealthPart);
                IsThere(_logger, Address.DisplayName);
            }
        }
    }

    private void ThrowIfAway()
    {
        if (_away is { } reason)
        {
            throw new DatabaseUnavailableException($"The database ({Address.DisplayName}) is away: {reason}");
        }
    }

    /// <summary>Made by hand before SQLite makes it: it holds password hashes, and SQLite would let everyone on the machine read them.</summary>
    private static void CreateFile(string path)
    {
        if (File.Exists(path))
        {
            return;
        }

        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.ReadWrite | FileShare.Delete };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        new FileStream(path, options).Dispose();
    }

    [LoggerMessage(1, LogLevel.Information, "Database ready: {Database}")]
    private static partial void IsThere(ILogger logger, string database);

    [LoggerMessage(2, LogLevel.Error, "Database away: {Database}: {Reason}; it is asked again until it answers")]
    private static partial void WentAway(ILogger logger, string database, string reason);

    [LoggerMessage(3, LogLevel.Information, "Database tables of {Feature} brought to version {Version}")]
    private static partial void Migrated(ILogger logger, string feature, int version);
}
