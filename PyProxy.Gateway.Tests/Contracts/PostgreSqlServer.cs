using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Npgsql;
using PyProxy.Gateway.Tests.Contracts;

[assembly: AssemblyFixture(typeof(PostgreSqlServer))]

namespace PyProxy.Gateway.Tests.Contracts;

/// <summary>
/// A private PostgreSQL on a free port and in a directory of its own, started by the first test that asks for it and stopped at the end of the
/// run. Without the programs the tests that need it are skipped and name Debian's package.
/// </summary>
public sealed class PostgreSqlServer : IAsyncDisposable
{
    private const string Package = "postgresql";
    private const string User = "gateway";

    // Ports are taken from those that anybody's connection may take, too.
    private const int Attempts = 10;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly SemaphoreSlim _oneAtATime = new(1);
    private TemporaryDirectory? _directory;
    private Process? _server;
    private int _port;
    private int _databases;

    /// <summary>A database that nobody else uses.</summary>
    /// <returns>Its connection string.</returns>
    public async Task<string> CreateDatabaseAsync()
    {
        await StartAsync();
        var name = string.Create(CultureInfo.InvariantCulture, $"test{Interlocked.Increment(ref _databases)}");
        await using var connection = new NpgsqlConnection(ConnectionString("postgres") + ";Pooling=false");
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var create = connection.CreateCommand();
#pragma warning disable CA2100 // a name from a counter
        create.CommandText = $"CREATE DATABASE {name}";
#pragma warning restore CA2100
        await create.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        return ConnectionString(name);
    }

    /// <summary>Makes the server behave as if it had gone: every connection is cut and no new one accepted, until it is disposed of.</summary>
    public async Task<IAsyncDisposable> GoAwayAsync(string connectionString)
    {
        var database = new NpgsqlConnectionStringBuilder(connectionString).Database!;
        await ExecuteAsync($"ALTER DATABASE {database} ALLOW_CONNECTIONS false");
        await ExecuteAsync($"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'");
        return new Outage(() => ExecuteAsync($"ALTER DATABASE {database} ALLOW_CONNECTIONS true"));
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            NpgsqlConnection.ClearAllPools();
            using var stop = Process.Start("kill", ["-s", "INT", _server.Id.ToString(CultureInfo.InvariantCulture)]);
            await stop.WaitForExitAsync();
            await _server.WaitForExitAsync().WaitAsync(Patience);
            _server.Dispose();
        }

        _directory?.Dispose();
        _oneAtATime.Dispose();
    }

    private string ConnectionString(string database) => string.Create(CultureInfo.InvariantCulture, $"Host=127.0.0.1;Port={_port};Username={User};Database={database}");

    private async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(ConnectionString("postgres") + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
#pragma warning disable CA2100 // names from a counter
        command.CommandText = sql;
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync();
    }

    private async Task StartAsync()
    {
        await _oneAtATime.WaitAsync(TestContext.Current.CancellationToken);
        try
        {
            if (_server is not null)
            {
                return;
            }

            var programs = FindPrograms();
            _directory = new TemporaryDirectory("postgres");
            var data = Path.Combine(_directory.Path, "data");
            if (Environment.IsPrivilegedProcess)
            {
                await RunAsync("chown", "postgres", _directory.Path); // the server refuses to run as root
            }

            await RunAsync(AsServerUser([Path.Combine(programs, "initdb"), "-D", data, "-U", User, "-A", "trust", "-E", "UTF8", "--no-sync"]));
            await StartOnAFreePortAsync(programs, data);
        }
        finally
        {
            _oneAtATime.Release();
        }
    }

    private async Task StartOnAFreePortAsync(string programs, string data)
    {
        for (var attempt = 1; ; attempt++)
        {
            _port = FreePort();
            var server = Start(AsServerUser(
            [
                Path.Combine(programs, "postgres"), "-D", data, "-p", _port.ToString(CultureInfo.InvariantCulture), "-c", "listen_addresses=127.0.0.1",
                "-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "max_connections=200",
            ]));
            if (await AnswersAsync(server))
            {
                _server = server;
                return;
            }

            server.Dispose();
            Assert.True(attempt < Attempts, "PostgreSQL does not start.");
        }
    }

    /// <returns>False where it ended instead: its port was taken.</returns>
    private async Task<bool> AnswersAsync(Process server)
    {
        for (var since = Stopwatch.StartNew(); ;)
        {
            try
            {
                await ExecuteAsync("SELECT 1");
                return true;
            }
            catch (NpgsqlException) when (since.Elapsed < Patience)
            {
                if (server.HasExited)
                {
                    return false;
                }

                await Task.Delay(50, TestContext.Current.CancellationToken);
            }
        }
    }

    private static string FindPrograms()
    {
        // Debian keeps them out of the path, by version.
        const string debian = "/usr/lib/postgresql";
        var candidates = Directory.Exists(debian)
            ? Directory.GetDirectories(debian).OrderByDescending(d => double.TryParse(Path.GetFileName(d), CultureInfo.InvariantCulture, out var version) ? version : 0)
                .Select(d => Path.Combine(d, "bin"))
            : [];
        var path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':');
        if (candidates.Concat(path).FirstOrDefault(d => File.Exists(Path.Combine(d, "initdb")) && File.Exists(Path.Combine(d, "postgres"))) is { } found)
        {
            return found;
        }

        Assert.Skip($"PostgreSQL is not on this machine: install the package {Package}.");
        throw new InvalidOperationException();
    }

    private static string[] AsServerUser(string[] command)
        => Environment.IsPrivilegedProcess ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--", .. command] : command;

    private static int FreePort()
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    private static async Task RunAsync(params string[] command)
    {
        using var process = Start(command);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Patience);
        Assert.True(process.ExitCode == 0, $"{string.Join(' ', command)} ended with {process.ExitCode}");
    }

    private static Process Start(string[] command)
    {
        var start = new ProcessStartInfo(command[0], command[1..]) { WorkingDirectory = "/", UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["LC_ALL"] = "C.UTF-8";
        var process = Process.Start(start)!;
        process.OutputDataReceived += static (_, _) => { }; // read, so that it never waits for a reader
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private sealed class Outage(Func<Task> end) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync() => await end();
    }
}
