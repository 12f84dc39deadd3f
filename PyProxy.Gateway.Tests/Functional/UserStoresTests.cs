using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Logging.Testing;
using PyProxy.Gateway.Tests.Contracts;
using PyProxy.Gateway.Users.Passwords;
using PyProxy.Gateway.Users.Stores;

namespace PyProxy.Gateway.Tests.Functional;

/// <summary>Users of the htpasswd file and of the database, seen from outside of a whole gateway.</summary>
public sealed class UserStoresTests(PostgreSqlServer server) : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private OriginServer _origin = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _origin = await OriginServer.StartAsync();

    public async ValueTask DisposeAsync() => await _origin.DisposeAsync();

    [Fact]
    public async Task UserOfTheDatabase_ComesInAndIsRefusedOnceDisabled()
    {
        await using var gateway = await StartAsync("""["Configuration", "Database"]""");
        var records = gateway.Services.GetRequiredService<UserRecords>();
        var password = GeneratedCredential.NewPassword();
        await records.AddAsync(new UserRecord { Name = "bob", PasswordHash = KeyedHash.CreateGenerated(password).ToString() }, Cancellation);
        Assert.Equal("200", await RequestAsync(gateway, "bob", password));

        await records.ChangeAsync("bob", new UserChange { Disabled = true }, Cancellation);
        await UntilAsync(async () => await RequestAsync(gateway, "bob", password) == "407");
        await records.ChangeAsync("bob", new UserChange { Disabled = false }, Cancellation);
        Assert.Equal("200", await RequestAsync(gateway, "bob", password));
    }

    [Fact]
    public async Task WeakHash_IsReplacedAtTheNextLogin()
    {
        await using var gateway = await StartAsync("""["Database"]""");
        var records = gateway.Services.GetRequiredService<UserRecords>();
        await records.AddAsync(new UserRecord { Name = "bob", PasswordHash = "$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/" }, Cancellation);
        Assert.Equal("407", await RequestAsync(gateway, "bob", "wrong"));
        Assert.StartsWith("$apr1$", (await records.FindAsync("bob", Cancellation))!.PasswordHash, StringComparison.Ordinal);

        Assert.Equal("200", await RequestAsync(gateway, "bob", "myPassword"));
        Assert.StartsWith("AQAAAA", (await records.FindAsync("bob", Cancellation))!.PasswordHash, StringComparison.Ordinal);
        Assert.Equal("200", await RequestAsync(gateway, "bob", "myPassword"));
    }

    [Fact]
    public async Task HtpasswdFile_IsFollowedThroughARename()
    {
        await using var gateway = await StartAsync("""["Htpasswd"]""");
        var file = Path.Combine(Path.GetDirectoryName(gateway.ConfigurationPath)!, "htpasswd");
        Assert.Equal("407", await RequestAsync(gateway, "bob", "myPassword"));
        await File.WriteAllTextAsync(file + ".new", "broken line\nbob:{SHA}VBPuJHI7uixaa6LQGWx4s+5GKNE=\n", Cancellation);
        File.Move(file + ".new", file, overwrite: true);
        await UntilAsync(async () => await RequestAsync(gateway, "bob", "myPassword") == "200");

        await File.WriteAllTextAsync(file + ".new", "", Cancellation);
        File.Move(file + ".new", file, overwrite: true);
        await UntilAsync(async () => await RequestAsync(gateway, "bob", "myPassword") == "407");
    }

    [Fact]
    public async Task EarlierStore_Decides()
    {
        await using var gateway = await StartAsync("""["Configuration", "Database"]""");
        var records = gateway.Services.GetRequiredService<UserRecords>();
        await records.AddAsync(new UserRecord { Name = "alice", PasswordHash = KeyedHash.CreateGenerated("other").ToString() }, Cancellation);

        Assert.Equal("200", await RequestAsync(gateway, "alice", GatewayServer.Password));
        Assert.Equal("407", await RequestAsync(gateway, "alice", "other"));
    }

    [Fact]
    public async Task DatabaseAway_KeepsWhoWasVerified_LetsNobodyElseIn_AndIsSeen()
    {
        var connectionString = await server.CreateDatabaseAsync();
        var logs = new FakeLogCollector();
        await using var gateway = await StartAsync("""["Configuration", "Database"]""", connectionString, remembered: "00:00:01", logs);
        var password = GeneratedCredential.NewPassword();
        await AddAsync(gateway, KeyedHash.CreateGenerated(password).ToString(), "verified", "stranger");

        Assert.Equal("200", await RequestAsync(gateway, "verified", password));
        Assert.Equal("ready", await HealthAsync(gateway));
        using var logins = new MetricCollector<long>(gateway.Services.GetRequiredService<IMeterFactory>(), "PyProxy.Gateway", "pyproxy.users.outage_logins");

        await using (await server.GoAwayAsync(connectionString))
        {
            await UntilAsync(async () => await HealthAsync(gateway) == "degraded");
            var asked = Stopwatch.StartNew();
            Assert.Equal("503", await RequestAsync(gateway, "stranger", password));
            Assert.Equal("503", await RequestAsync(gateway, "verified", "wrong"));
            Assert.Equal("200", await RequestAsync(gateway, "alice", GatewayServer.Password)); // another store's
            Assert.True(asked.Elapsed < Patience);
            await UntilAsync(async () =>
            {
                Assert.Equal("200", await RequestAsync(gateway, "verified", password)); // remembered as usual for a second, then kept
                return logins.GetMeasurementSnapshot().Any(login => (string?)login.Tags["outcome"] == "kept");
            });
            Assert.Equal(2, logins.GetMeasurementSnapshot().Count(login => (string?)login.Tags["outcome"] == "refused"));
            Assert.Matches("pyproxy_database_available.* 0", await MetricsAsync(gateway));
            Assert.Single(logs.GetSnapshot(), record => record.Message.StartsWith("Database away: ", StringComparison.Ordinal) && record.Level == LogLevel.Error);
        }

        await UntilAsync(async () => await HealthAsync(gateway) == "ready");
        Assert.Equal("200", await RequestAsync(gateway, "stranger", password));
        Assert.Equal("407", await RequestAsync(gateway, "verified", "wrong"));
    }

    [Fact]
    public async Task UnreadableSqliteFile_KeepsWhoWasVerified_LetsNobodyElseIn_AndComesBack()
    {
        var directory = Directory.CreateTempSubdirectory("pyproxy-away-");
        var file = Path.Combine(directory.FullName, "users.db");
        await using (var gateway = await StartAsync("""["Database"]""", $"Data Source={file}"))
        {
            var password = GeneratedCredential.NewPassword();
            await AddAsync(gateway, KeyedHash.CreateGenerated(password).ToString(), "verified", "stranger");
            Assert.Equal("200", await RequestAsync(gateway, "verified", password));

            // 1. What stands there is no database any more; connections that are open would go on with the file that they have
            string[] files = [file, file + "-wal", file + "-shm"];
            Move(files, from: "", to: ".aside");
            await File.WriteAllTextAsync(file, new string('x', 8192), Cancellation);
            SqliteConnection.ClearAllPools();
            await UntilAsync(async () => await HealthAsync(gateway) == "degraded");
            Assert.Equal("503", await RequestAsync(gateway, "stranger", password));
            Assert.Equal("503", await RequestAsync(gateway, "verified", "wrong"));
            Assert.Equal("200", await RequestAsync(gateway, "verified", password));

            // 2. It is back
            Array.ForEach(files, File.Delete);
            Move(files, from: ".aside", to: "");
            await UntilAsync(async () => await HealthAsync(gateway) == "ready");
            Assert.Equal("200", await RequestAsync(gateway, "stranger", password));
        }

        directory.Delete(recursive: true);

        static void Move(string[] files, string from, string to)
        {
            foreach (var file in files.Where(file => File.Exists(file + from)))
            {
                File.Move(file + from, file + to);
            }
        }
    }

    [Fact]
    public async Task SqliteFileThatAnotherWriterLocks_KeepsWhoWasVerified_LetsNobodyElseIn_AndComesBack()
    {
        using var directory = new TemporaryDirectory("locked");
        var file = $"Data Source={directory.Path}/users.db";
        await using var gateway = await StartAsync("""["Database"]""", file);
        var password = GeneratedCredential.NewPassword();
        await AddAsync(gateway, KeyedHash.CreateGenerated(password).ToString(), "verified", "stranger");
        await using (var other = new SqliteConnection(file + ";Pooling=False"))
        {
            await other.OpenAsync(Cancellation);
            await using var writing = await other.BeginTransactionAsync(Cancellation);

            // Readers go on; what notices is the ledger, whose writes wait.
            Assert.Equal("200", await RequestAsync(gateway, "verified", password));
            await UntilAsync(async () => await HealthAsync(gateway) == "degraded");
            Assert.Equal("503", await RequestAsync(gateway, "stranger", password));
            Assert.Equal("200", await RequestAsync(gateway, "verified", password));
        }

        await UntilAsync(async () => await HealthAsync(gateway) == "ready");
        Assert.Equal("200", await RequestAsync(gateway, "stranger", password));
    }

    [Theory]
    [InlineData("PostgreSQL")]
    [InlineData("SQLite")]
    public async Task TwoGatewaysOnOneDatabase_BothForgetADisabledUser(string engine)
    {
        using var directory = new TemporaryDirectory("shared");
        var connectionString = engine == "SQLite" ? $"Data Source={directory.Path}/users.db" : await server.CreateDatabaseAsync();
        await using var one = await StartAsync("""["Database"]""", connectionString);
        await using var other = await StartAsync("""["Database"]""", connectionString);
        var records = one.Services.GetRequiredService<UserRecords>();
        var password = GeneratedCredential.NewPassword();
        await records.AddAsync(new UserRecord { Name = "bob", PasswordHash = KeyedHash.CreateGenerated(password).ToString() }, Cancellation);
        Assert.Equal("200", await RequestAsync(one, "bob", password));
        Assert.Equal("200", await RequestAsync(other, "bob", password));

        await records.ChangeAsync("bob", new UserChange { Disabled = true }, Cancellation);
        await UntilAsync(async () => await RequestAsync(one, "bob", password) == "407" && await RequestAsync(other, "bob", password) == "407");
    }

    /// <summary>Adds users and waits until the gateway has noticed: what is remembered before that would be forgotten by it.</summary>
    private static async Task AddAsync(GatewayServer gateway, string hash, params string[] names)
    {
        var noticed = new TaskCompletionSource();
        using var subscription = gateway.Services.GetRequiredService<UserChanges>().Subscribe(changed =>
        {
            if (changed?.Contains(names[^1]) != false) // none named: everybody, as when the watch comes upon a gap
            {
                noticed.TrySetResult();
            }
        });
        foreach (var name in names)
        {
            await gateway.Services.GetRequiredService<UserRecords>().AddAsync(new UserRecord { Name = name, PasswordHash = hash }, Cancellation);
        }

        await noticed.Task.WaitAsync(Patience, Cancellation);
    }

    private Task<GatewayServer> StartAsync(string stores, string database = "Data Source=users.db", string remembered = "00:10:00", FakeLogCollector? logs = null) => GatewayServer.StartAsync(extend: services => services.AddLogging(logging => logging.AddProvider(new FakeLoggerProvider(logs))), configuration: directory => $$"""
        {
          "Kestrel": { "Endpoints": {
            "Proxy": { "Url": "http://127.0.0.1:0", "Role": "Forward" },
            "Admin": { "Url": "http://127.0.0.1:0", "Role": "Admin" } } },
          "Gateway": {
            "Users": { "Stores": {{stores}}, "HtpasswdFile": "{{directory}}/htpasswd", "CredentialCacheDuration": "{{remembered}}", "OutageGrace": "01:00:00",
                       "Accounts": { "alice": { "PasswordHash": "{{GatewayServer.PasswordHashText}}" } } },
            "SharedState": { "Database": "{{database}}" },
            "Egress": { "AllowedAddresses": [ "127.0.0.0/8" ], "ConnectPorts": [ "*" ] },
            "DataDirectory": "{{directory}}",
            "Telemetry": { "AccessLog": { "Path": "{{directory}}/access.log" } } }
        }
        """);

    private async Task<string> RequestAsync(GatewayServer gateway, string user, string password)
        => (await Curl.RunAsync(
            "-x", $"http://127.0.0.1:{gateway.Port("Proxy").ToString(CultureInfo.InvariantCulture)}", "-U", $"{user}:{password}",
            new Uri(_origin.Address, "/echo").ToString(), "-o", "/dev/null", "-w", "%{http_code}")).Output;

    private static async Task<string> HealthAsync(GatewayServer gateway)
    {
        using var health = JsonDocument.Parse((await Curl.RunAsync(new Uri(gateway.Url("Admin"), "/health/ready").ToString())).Output);
        return health.RootElement.GetProperty("status").GetString()!;
    }

    private static async Task<string> MetricsAsync(GatewayServer gateway) => (await Curl.RunAsync(new Uri(gateway.Url("Admin"), "/metrics").ToString())).Output;

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        for (var since = Stopwatch.StartNew(); !await condition();)
        {
            Assert.True(since.Elapsed < Patience, "It did not come to pass.");
            await Task.Delay(50, Cancellation);
        }
    }
}
