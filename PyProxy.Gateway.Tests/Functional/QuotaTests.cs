using System.Net;
using PyProxy.Gateway.Limits.Plans;
using PyProxy.Gateway.Limits.Quotas;
using PyProxy.Gateway.Tests.Admin;

namespace PyProxy.Gateway.Tests.Functional;

/// <summary>Quotas and the ledger through the whole gateway.</summary>
public sealed class QuotaTests : IDisposable
{
    private static readonly int[] TwoAndNoMore = [200, 200, 403];

    private readonly TemporaryDirectory _directory = new("quotas");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task UsedUpQuota_RefusesUntilItsEnd_AlsoAfterARestart_AndIsRaisedByHand()
    {
        await using var origin = await OriginServer.StartAsync("a", static app => app.MapGet("/large", static () => Results.Bytes(new byte[200_000])));
        await using (var gateway = await StartAsync("100KB/day"))
        {
            using var http = Client(gateway);
            using var first = await http.GetAsync(new Uri(origin.Address, "/large"), TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.OK, first.StatusCode);
            Assert.Equal(200_000, (await first.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken)).Length);

            await RefusedAsync(http, origin);
        }

        await using var after = await StartAsync("100KB/day");
        using var again = Client(after);
        using var refused = await again.GetAsync(new Uri(origin.Address, "/large"), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        Assert.Contains("plan small: 100KB/day", await refused.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromDays(1));

        var ledger = after.Services.GetRequiredService<UsageLedger>();
        var quota = after.Services.GetRequiredService<PlanDirectory>().Find("small")!.Quotas[0];
        await ledger.ChangeAsync("alice", quota, reset: false, raise: 500_000, TestContext.Current.CancellationToken);
        using var raised = await again.GetAsync(new Uri(origin.Address, "/large"), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, raised.StatusCode);
    }

    [Fact]
    public async Task RefusalsText_IsNotTheUsersUse()
    {
        await using var origin = await OriginServer.StartAsync();
        await using var gateway = await StartAsync("1KB/day");
        using var http = Client(gateway);
        for (var i = 0; i < 10; i++)
        {
            using var refused = await http.GetAsync(new Uri("http://10.0.0.1/"), TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
            Assert.InRange((await refused.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken)).Length, 200, 1000);
        }

        var ledger = gateway.Services.GetRequiredService<UsageLedger>();
        await Poll.UntilAsync(async () => (await ledger.SinceAsync("alice", DateOnly.MinValue, TestContext.Current.CancellationToken)).Refusals == 10);
        Assert.Equal(0, (await ledger.SinceAsync("alice", DateOnly.MinValue, TestContext.Current.CancellationToken)).BytesDown);
        using var allowed = await http.GetAsync(origin.Address, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, allowed.StatusCode);
    }

    [Fact]
    public async Task RunningTransfer_IsChargedWhileItRuns_AndCutWhereTheQuotaSaysSo()
    {
        await using var origin = await OriginServer.StartAsync("a", static app => app.MapGet("/endless", static async context =>
        {
            var block = new byte[10_000];
            while (!context.RequestAborted.IsCancellationRequested)
            {
                await context.Response.Body.WriteAsync(block, TestContext.Current.CancellationToken);
                await Task.Delay(10, TestContext.Current.CancellationToken);
            }
        }));
        await using var gateway = await StartAsync("300KB/day then cut");
        using var http = Client(gateway);

        using var response = await http.GetAsync(
            new Uri(origin.Address, "/endless"), HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        await using var body = await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken);

        await Assert.ThrowsAnyAsync<IOException>(() => body.CopyToAsync(Stream.Null, TestContext.Current.CancellationToken).WaitAsync(RawClient.Patience, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task RunningTransfer_IsSlowedDownWhereTheQuotaSaysSo_AndFreeAgainOnceRaised()
    {
        const int Slow = 20_000;
        await using var origin = await OriginServer.StartAsync("a", static app => app.MapGet("/endless", static async context =>
        {
            var block = new byte[10_000];
            while (!context.RequestAborted.IsCancellationRequested)
            {
                await context.Response.Body.WriteAsync(block, TestContext.Current.CancellationToken);
            }
        }));
        await using var gateway = await StartAsync("1MB/day then slow 20KB/s");
        using var http = Client(gateway);
        using var response = await http.GetAsync(
            new Uri(origin.Address, "/endless"), HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        await using var body = await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken);

        // 1. Fast until the ledger has been written, then at the quota's pace, what is under way in buffers apart
        var buffer = new byte[64 * 1024];
        TimeSpan taken;
        do
        {
            var since = TimeProvider.System.GetTimestamp();
            for (var read = 0; read < Slow / 4;)
            {
                read += await body.ReadAsync(buffer.AsMemory(0, Slow / 4 - read), TestContext.Current.CancellationToken).AsTask().WaitAsync(RawClient.Patience, TestContext.Current.CancellationToken);
            }

            taken = TimeProvider.System.GetElapsedTime(since);
        }
        while (taken < TimeSpan.FromSeconds(0.2));

        // 2. A new transfer shares the pace
        using var second = await http.GetAsync(
            new Uri(origin.Address, "/endless"), HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, second.StatusCode);

        // 3. Raised by hand: fast again
        using var admin = new AdminClient(gateway);
        var (status, raised) = await admin.SendAsync(
            HttpMethod.Post, "/limits/users/alice/quotas/raise", """ { "plan": "small", "quota": "1MB/day", "by": "100GB" } """);
        Assert.Equal((HttpStatusCode.OK, 100_000_000_000), (status, (long)raised!["raised"]!));
        var freed = TimeProvider.System.GetTimestamp();
        for (var read = 0; read < 20 * Slow;)
        {
            read += await body.ReadAsync(buffer, TestContext.Current.CancellationToken);
        }

        Assert.True(TimeProvider.System.GetElapsedTime(freed) < TimeSpan.FromSeconds(10), "20 seconds' worth took ten");
    }

    [Fact]
    public async Task OtherAmountAfterAReload_GoesOnWithWhatWasUsed()
    {
        await using var origin = await OriginServer.StartAsync();
        await using var gateway = await StartAsync("2 requests/day");
        using var http = Client(gateway);
        Assert.Equal(TwoAndNoMore, await StatusesAsync(http, origin, 3));

        await File.WriteAllTextAsync(
            gateway.ConfigurationPath,
            (await File.ReadAllTextAsync(gateway.ConfigurationPath, TestContext.Current.CancellationToken)).Replace("2 requests/day", "5 requests/day", StringComparison.Ordinal),
            TestContext.Current.CancellationToken);
        using var admin = new AdminClient(gateway);
        Assert.Equal(HttpStatusCode.OK, (await admin.SendAsync(HttpMethod.Post, "/configuration/reload")).Status);

        Assert.Equal(TwoAndNoMore, await StatusesAsync(http, origin, 3)); // of five, the refused one was the third
    }

    [Fact]
    public async Task QuotaOfRequests_AllowsAsManyAndNoMore()
    {
        await using var origin = await OriginServer.StartAsync();
        await using var gateway = await StartAsync("2 requests/month start 15 zone Europe/Berlin");
        using var http = Client(gateway);

        List<HttpStatusCode> statuses = [];
        for (var i = 0; i < 3; i++)
        {
            using var response = await http.GetAsync(origin.Address, TestContext.Current.CancellationToken);
            statuses.Add(response.StatusCode);
        }

        Assert.Equal([HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.Forbidden], statuses);
        var usage = await gateway.Services.GetRequiredService<UsageLedger>().SinceAsync("alice", DateOnly.MinValue, TestContext.Current.CancellationToken);
        Assert.Equal((3, 1), (usage.Requests, usage.Refusals));
    }

    private static async Task<int[]> StatusesAsync(HttpClient http, OriginServer origin, int times)
    {
        var statuses = new int[times];
        for (var i = 0; i < times; i++)
        {
            using var response = await http.GetAsync(origin.Address, TestContext.Current.CancellationToken);
            statuses[i] = (int)response.StatusCode;
        }

        return statuses;
    }

    private static HttpClient Client(GatewayServer gateway) => new(new HttpClientHandler
    {
        Proxy = new WebProxy(gateway.Url("Proxy")) { Credentials = new NetworkCredential("alice", GatewayServer.Password) },
    });

    private static async Task RefusedAsync(HttpClient http, OriginServer origin)
    {
        using var refused = await http.GetAsync(new Uri(origin.Address, "/large"), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
    }

    private Task<GatewayServer> StartAsync(string quota) => GatewayServer.StartAsync(gateway: $$"""
        "SharedState": { "Database": "Data Source={{_directory.Path}}/ledger.db" },
        "Usage": { "FlushInterval": "00:00:00.200" },
        "Egress": { "AllowedAddresses": [ "127.0.0.0/8" ] },
        "Plans": { "small": { "Quotas": [ "{{quota}}" ] } },
        "Filtering": { "Rules": [ { "Name": "small", "Match": { "Hosts": [ "127.0.0.1", "10.0.0.1" ] }, "Action": "Plan", "Plan": "small" } ] }
        """);
}
