using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using Dapper;
using Microsoft.Data.Sqlite;

namespace PyProxy.Gateway.Tests.Functional;

/// <summary>The ledger of a gateway that is killed under load.</summary>
public sealed class LedgerCrashTests
{
    private static readonly TimeSpan FlushInterval = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task KillUnderLoad_LosesAtMostTheFlushInterval_AndCountsNothingTwice()
    {
        await using var origin = await OriginServer.StartAsync();
        var data = "";
        await using var gateway = await GatewayProcess.StartAsync(directory =>
        {
            data = directory;
            return GatewayServer.Configuration(directory, origin.Address, """ "Egress": { "AllowedAddresses": [ "127.0.0.0/8" ] } """);
        });
        var port = (await gateway.ListeningAsync())["Proxy"];
        using var http = new HttpClient(new HttpClientHandler
        {
            Proxy = new WebProxy($"http://127.0.0.1:{port}") { Credentials = new NetworkCredential("alice", GatewayServer.Password) },
        });

        // 1. Four clients, until the gateway is gone; each notes when it asked, and when it was answered
        var (asked, answered) = (0, new ConcurrentBag<TimeSpan>());
        using var kill = new CancellationTokenSource();
        var started = TimeProvider.System.GetTimestamp();
        var clients = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            while (true)
            {
                Interlocked.Increment(ref asked);
                try
                {
                    using var response = await http.GetAsync(origin.Address, TestContext.Current.CancellationToken);
                    Assert.Equal(HttpStatusCode.OK, response.StatusCode);
                    answered.Add(TimeProvider.System.GetElapsedTime(started));
                }
                catch (HttpRequestException) when (kill.IsCancellationRequested)
                {
                    return;
                }
            }
        })).ToList();
        while (!clients.Exists(static client => client.IsCompleted)
            && (answered.IsEmpty || TimeProvider.System.GetElapsedTime(started) - answered.Min() < TimeSpan.FromSeconds(3)))
        {
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }

        var killed = TimeProvider.System.GetElapsedTime(started);
        await kill.CancelAsync();
        await gateway.SignalAsync("KILL");
        await Task.WhenAll(clients);
        await gateway.ExitAsync();

        // 2. What is in the ledger
        await using var database = new SqliteConnection($"Data Source={data}/pyproxy.db;Pooling=False");
        var requests = await database.ExecuteScalarAsync<long>("SELECT SUM(requests) FROM usage_days WHERE user_name = 'alice'");

        // The interval, and the time that a write takes on a busy machine
        var due = answered.Count(time => time < killed - FlushInterval - TimeSpan.FromSeconds(1));
        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"asked {asked}, answered {answered.Count}, in the ledger {requests}, lost {answered.Count - requests}"));
        Assert.InRange(requests, due, asked);
        Assert.True(due > 0, "nothing was asked in time");
    }
}
