using System.Diagnostics;
using System.Net;
using PyProxy.Gateway.Limits;
using PyProxy.Gateway.Limits.Bandwidth;
using PyProxy.Gateway.Limits.Memory;
using PyProxy.Gateway.Limits.Plans;
using PyProxy.Gateway.Limits.Quotas;
using PyProxy.Gateway.State.Database;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Bench.Limits;

/// <summary>
/// What users cost who have asked once: 100,000 of them under a plan with every kind of limit, on the ledger with SQLite. And whether it goes away.
/// <code>dotnet run -c Release --project bench/PyProxy.Gateway.Bench -- idle-users</code>
/// </summary>
internal static class IdleUsers
{
    private const int Users = 100_000;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    public static async Task RunAsync()
    {
        var directory = Directory.CreateTempSubdirectory("pyproxy-idle-users-");
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(
        [
            new("Gateway:DataDirectory", directory.FullName),
            new("Gateway:Plans:standard:Rates:0", "20/s burst 100"),
            new("Gateway:Plans:standard:Rates:1", "5000/h"),
            new("Gateway:Plans:standard:Concurrency", "50"),
            new("Gateway:Plans:standard:Tunnels", "20"),
            new("Gateway:Plans:standard:Bandwidth:Down", "10MB/s"),
            new("Gateway:Plans:standard:Bandwidth:Up", "2MB/s"),
            new("Gateway:Plans:standard:Quotas:0", "200GB/month"),
        ]).Build();
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(configuration);
        services.AddLogging();
        Program.AddFeatures(services, configuration);
        await using var provider = services.BuildServiceProvider();
        await provider.GetRequiredService<GatewayDatabase>().PrepareAsync(CancellationToken.None);
        var parts = new Parts(provider);
        await parts.AskAsync("warm-up");
        await parts.Ledger.FlushAsync(CancellationToken.None);
        var names = Enumerable.Range(0, Users).Select(static i => $"user{i}").ToArray(); // the user store's, not the limits'

        var before = GC.GetTotalMemory(forceFullCollection: true);
        foreach (var name in names)
        {
            await parts.AskAsync(name);
        }

        await parts.Ledger.FlushAsync(CancellationToken.None);
        Print("just asked", parts, before);
        for (var waited = Stopwatch.StartNew(); parts.Count > 10 && waited.Elapsed < Patience;)
        {
            await Task.Delay(TimeSpan.FromSeconds(5));
            await parts.Ledger.FlushAsync(CancellationToken.None);
        }

        Print("after they were idle", parts, before);
        GC.KeepAlive(names);
        directory.Delete(recursive: true);
    }

    private static void Print(string when, Parts parts, long before)
    {
        var bytes = GC.GetTotalMemory(forceFullCollection: true) - before;
        Console.WriteLine(
            $"{when}: {bytes / 1024:N0} KB, {(double)bytes / Users:F0} bytes for each of {Users:N0} users; {parts.Engine.SubjectCount:N0} with rates, "
            + $"{parts.Bandwidth.BucketCount:N0} buckets of bandwidth, {parts.Counters.Count:N0} counters of quotas, {parts.Ledger.UserCount:N0} in the ledger's memory");
    }

    private sealed class Parts(IServiceProvider services)
    {
        private readonly PlanRateLimiter _limiter = services.GetRequiredService<PlanRateLimiter>();
        private readonly PlanDirectory _plans = services.GetRequiredService<PlanDirectory>();

        public MemoryLimiterEngine Engine { get; } = services.GetRequiredService<MemoryLimiterEngine>();

        public BandwidthLimiter Bandwidth { get; } = services.GetRequiredService<BandwidthLimiter>();

        public QuotaCounters Counters { get; } = services.GetRequiredService<QuotaCounters>();

        public UsageLedger Ledger { get; } = services.GetRequiredService<UsageLedger>();

        public int Count => Engine.SubjectCount + Bandwidth.BucketCount + Counters.Count + Ledger.UserCount;

        /// <summary>One request of the user, through what the pipeline's stages use, with 10 KB down.</summary>
        public async Task AskAsync(string user)
        {
            var context = new DefaultHttpContext();
            var exchange = new Exchange
            {
                Id = "bench",
                Role = ListenerRole.Forward,
                WayIn = WayIn.Forward,
                Account = new KnownUser(user, [], "standard"),
                ClientAddress = IPAddress.Loopback,
            };
            context.Features.Set(exchange);
            var meter = Ledger.Begin(user, exchange, context);
            context.Features.Set(meter);
            var counter = Ledger.Use(user, _plans.Find("standard")!.Quotas[0]);
            meter.CountAgainst([counter]);
            using (var lease = _limiter.AttemptAcquire(context))
            {
                LimitBenchmarks.Check(lease.IsAcquired);
                await exchange.Transfers!.ReserveAsync(TransferDirection.Down, CancellationToken.None);
                exchange.AddBytesOut(10_000);
                exchange.Transfers.Moved(TransferDirection.Down, 10_000);
            }

            exchange.End();
        }
    }
}
