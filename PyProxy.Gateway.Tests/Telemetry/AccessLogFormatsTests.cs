using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using PyProxy.Gateway.Telemetry.Log;
using PyProxy.Gateway.Tests.Admin;
using PyProxy.Gateway.Tests.Functional;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Telemetry;

/// <summary>What a record looks like, and what can be kept out of it.</summary>
public sealed class AccessLogFormatsTests
{
    private const string AccessLog = "Gateway:Telemetry:AccessLog";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task CombinedLog_OfEveryWayIn_IsReadByGoaccess()
    {
        await using var origin = await OriginServer.StartAsync();
        await using var gateway = await GatewayServer.StartAsync(
            origin.Address,
            gateway: """ "Egress": { "AllowedAddresses": [ "127.0.0.1" ], "ConnectPorts": [ "*" ] } """,
            edit: text => text.Replace("\"AccessLog\": {", "\"AccessLog\": { \"Format\": \"Combined\",", StringComparison.Ordinal));
        var target = new Uri(origin.Address, "/page?token=secret").ToString();
        string[] user = ["--proxy-user", $"alice:{GatewayServer.Password}", "-o", "/dev/null"];
        await Curl.RunAsync("--user-agent", "quoted \" back\\slash", "--referer", "http://a.test/from?token=secret", gateway.Url("Web") + "p%20q?token=secret");
        await Curl.RunAsync(["--proxy", gateway.Url("Proxy").ToString(), .. user, target]);
        await Curl.RunAsync(["--proxy", gateway.Url("Proxy").ToString(), "--proxytunnel", .. user, target]);
        await Curl.RunAsync(["--socks5-hostname", gateway.Url("Socks").Authority, .. user, target]);
        await Curl.RunAsync("--proxy", gateway.Url("Proxy").ToString(), target); // 407
        await gateway.StopAsync();

        var log = await gateway.AccessLogAsync();
        Assert.DoesNotContain("secret", log, StringComparison.Ordinal);
        Assert.Matches("""^127\.0\.0\.1 - - \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000] "GET /p%20q HTTP/1\.1" 200 6 "http://a\.test/from" "quoted \\" back\\\\slash"\n""", log);
        Assert.Contains($"127.0.0.1 - alice [", log, StringComparison.Ordinal);
        Assert.Contains($"\"GET http://127.0.0.1:{origin.Address.Port}/page HTTP/1.1\" 200 6", log, StringComparison.Ordinal);
        Assert.Contains($"\"CONNECT 127.0.0.1:{origin.Address.Port} HTTP/1.1\" 200 ", log, StringComparison.Ordinal);

        var file = Path.Combine(Path.GetDirectoryName(gateway.ConfigurationPath)!, "access.log");
        var report = Path.ChangeExtension(file, ".json");
        var (code, _) = await Tool.RunAsync("goaccess", "goaccess", "", file, "--log-format=COMBINED", "--no-global-config", "-o", report);
        Assert.Equal(0, code);
        var general = JsonDocument.Parse(await File.ReadAllTextAsync(report, Cancellation)).RootElement.GetProperty("general");
        Assert.Equal((5, 0), (general.GetProperty("valid_requests").GetInt32(), general.GetProperty("failed_requests").GetInt32()));
    }

    [Theory]
    [InlineData("Json", "/health/live", 0)]
    [InlineData("Json", "/metrics", 0)]
    [InlineData("Combined", "/health/ready", 0)]
    [InlineData("Json", "/", 1)]
    [InlineData("Off", "/", 0)]
    public async Task Probes_AndALogThatIsOff_LeaveNoRecord(string format, string path, int records)
    {
        await using var gateway = await GatewayServer.StartAsync(
            edit: text => text.Replace("\"AccessLog\": {", $"\"AccessLog\": {{ \"Format\": \"{format}\",", StringComparison.Ordinal));
        using var client = new HttpClient { BaseAddress = gateway.Url("Admin") };
        await client.GetStringAsync(new Uri(path, UriKind.Relative), Cancellation);
        await gateway.StopAsync();

        Assert.Equal(records, (await gateway.AccessLogAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [Fact]
    public async Task Probes_AreWrittenWhereTheyAreWanted_AndWhenTheyFail()
    {
        await using var gateway = await GatewayServer.StartAsync();
        using var admin = new AdminClient(gateway);
        await admin.SendAsync(HttpMethod.Put, "/drain");
        using var client = new HttpClient { BaseAddress = gateway.Url("Admin") };
        using var notReady = await client.GetAsync(new Uri("/health/ready", UriKind.Relative), Cancellation);
        await gateway.StopAsync();
        Assert.Contains("/health/ready\",\"protocol\":\"HTTP/1.1\",\"status\":503", await gateway.AccessLogAsync(), StringComparison.Ordinal);

        await using var talkative = await GatewayServer.StartAsync(
            edit: text => text.Replace("\"AccessLog\": {", "\"AccessLog\": { \"Probes\": true,", StringComparison.Ordinal));
        using var other = new HttpClient { BaseAddress = talkative.Url("Admin") };
        await other.GetStringAsync(new Uri("/health/live", UriKind.Relative), Cancellation);
        await talkative.StopAsync();
        Assert.Contains("/health/live", await talkative.AccessLogAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fields_AreDroppedMaskedAndHashedUnderTheKey()
    {
        var configuration = new Dictionary<string, string?>
        {
            [$"{AccessLog}:Drop:0"] = "Route",
            [$"{AccessLog}:Mask:0"] = "Client",
            [$"{AccessLog}:Mask:1"] = "Target",
            [$"{AccessLog}:Hash:0"] = "User",
            [$"{AccessLog}:HashKey"] = "sixteen or more characters",
        };
        var first = await RecordAsync(configuration);
        var again = await RecordAsync(configuration);
        configuration[$"{AccessLog}:HashKey"] = "sixteen or more others";
        var otherwise = await RecordAsync(configuration);

        Assert.False(first.TryGetProperty("route", out _));
        Assert.Equal(("127.0.0.0", "http://a.test"), (Text(first, "client"), Text(first, "target")));
        Assert.Equal(32, Text(first, "user").Length);
        Assert.Equal(Text(first, "user"), Text(again, "user"));
        Assert.NotEqual(Text(first, "user"), Text(otherwise, "user"));
    }

    [Theory]
    [InlineData(false, "http://a.test/work/x")]
    [InlineData(true, "http://a.test/work/x?q=1")]
    public async Task Query_IsWrittenOnlyIfAskedFor(bool asked, string target)
        => Assert.Equal(target, Text(await RecordAsync(new() { [$"{AccessLog}:Queries"] = asked.ToString() }), "target"));

    [Fact]
    public async Task LongFile_IsSetAsideAndTheOldestForgotten()
    {
        await using var server = await ObservedServer.StartAsync(
            _ => Task.CompletedTask, configuration: new() { [$"{AccessLog}:RotateBytes"] = "4096", [$"{AccessLog}:KeepFiles"] = "2" });
        var directory = Path.GetDirectoryName(server.LogPath)!;
        for (var i = 0; i < 40; i++)
        {
            // One at a time, each in a batch of its own: what arrives together is written together.
            using var response = await server.Client.GetAsync(new Uri($"/work/{new string('x', 1000)}", UriKind.Relative), Cancellation);
            await Poll.UntilAsync(() => new(server.App.Services.GetRequiredService<AccessLog>().QueuedBytes == 0));
        }

        await server.StopAndReadLogAsync();
        Assert.Equal(["access.json", "access.json.1", "access.json.2"], Directory.GetFiles(directory).Select(Path.GetFileName).Order());
        Assert.All(Directory.GetFiles(directory), file => Assert.InRange(new FileInfo(file).Length, 1, 4096));
    }

    [Fact]
    public async Task OldFile_IsSetAsideWhenItsPeriodIsOver()
    {
        using var directory = new TemporaryDirectory("log");
        var time = new FakeTimeProvider();
        var options = new AccessLogOptions { RotateInterval = TimeSpan.FromDays(1) };
        var path = Path.Combine(directory.Path, "access.log");
        using var file = new RotatingFile(path, time);
        await file.WriteAsync("one\n"u8.ToArray(), options);
        time.Advance(TimeSpan.FromHours(1));
        await file.WriteAsync("two\n"u8.ToArray(), options);
        time.Advance(TimeSpan.FromDays(1));
        await file.WriteAsync("three\n"u8.ToArray(), options);

        Assert.Equal(("one\ntwo\n", "three\n"), (await File.ReadAllTextAsync(path + ".1", Cancellation), await File.ReadAllTextAsync(path, Cancellation)));
    }

    [Fact]
    public async Task FileThatSomebodyElseSetAside_IsBegunAnew()
    {
        await using var server = await ObservedServer.StartAsync(_ => Task.CompletedTask);
        using (await server.Client.GetAsync(new Uri("/work/1", UriKind.Relative), Cancellation))
        {
        }

        await Poll.UntilAsync(() => new(File.Exists(server.LogPath) && new FileInfo(server.LogPath).Length > 0));
        File.Move(server.LogPath, server.LogPath + ".aside");
        using (await server.Client.GetAsync(new Uri("/work/2", UriKind.Relative), Cancellation))
        {
        }

        Assert.EndsWith("/work/2", Text(Assert.Single(await server.StopAndReadLogAsync()), "target"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task OpenTunnel_IsRecordedAtItsIntervals()
    {
        var time = new FakeTimeProvider();
        Exchange? tunnel = null;
        await using var server = await ObservedServer.StartAsync(
            context =>
            {
                tunnel = Exchange.Of(context);
                tunnel.Target = new HostPort("tunnelled.example", 443);
                tunnel.IsTunnel = true;
                tunnel.OutlivesRequest = true;
                return Task.CompletedTask;
            },
            ListenerRole.Socks,
            configuration: new() { [$"{AccessLog}:TunnelInterval"] = "00:01:00" },
            services: services => services.AddSingleton<TimeProvider>(time));
        using (await server.Client.GetAsync(new Uri("/work", UriKind.Relative), Cancellation))
        {
        }

        tunnel!.AddBytesOut(7);
        time.Advance(TimeSpan.FromSeconds(59));
        await Poll.UntilAsync(async () =>
        {
            time.Advance(TimeSpan.FromSeconds(1)); // until whoever looks every second has looked
            return File.Exists(server.LogPath) && (await File.ReadAllLinesAsync(server.LogPath, Cancellation)).Length == 2;
        });

        tunnel.End();
        var records = await server.StopAndReadLogAsync();
        Assert.Equal([true, true, false], records.Select(record => record.TryGetProperty("interim", out _)));
        Assert.InRange(records[0].GetProperty("duration_ms").GetInt32(), 60_000, 119_999);
        Assert.All(records, record => Assert.Equal(("tunnelled.example:443", 7), (Text(record, "target"), record.GetProperty("bytes_out").GetInt32())));
    }

    private static string Text(JsonElement record, string name) => record.GetProperty(name).GetString()!;

    private static async Task<JsonElement> RecordAsync(Dictionary<string, string?> configuration)
    {
        await using var server = await ObservedServer.StartAsync(
            context =>
            {
                var exchange = Exchange.Of(context);
                exchange.Account = new KnownUser("alice", [], plan: null);
                exchange.Route = "r1";
                return Task.CompletedTask;
            },
            configuration: configuration);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/work/x?q=1") { Headers = { Host = "a.test" } };
        using var response = await server.Client.SendAsync(request, Cancellation);
        return Assert.Single(await server.StopAndReadLogAsync());
    }
}
