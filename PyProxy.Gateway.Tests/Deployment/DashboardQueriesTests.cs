using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using PyProxy.Gateway.Tests.Contracts;

namespace PyProxy.Gateway.Tests.Deployment;

/// <summary>
/// Every query of every dashboard, asked of a real Prometheus that scrapes a gateway under traffic. The gateway is a process of its own: in one that it shares
/// with others it shows the series of them all, since OpenTelemetry listens to meters by name.
/// </summary>
public sealed class DashboardQueriesTests
{
    private const string Prometheus = "prometheus";

    /// <summary>Often enough that a few seconds hold several scrapes; a busy machine needs some time for each.</summary>
    private const string Configuration = """
        global: { scrape_interval: 1s, scrape_timeout: 1s }
        scrape_configs:
          - job_name: pyproxy-gateway
            static_configs: [ { targets: [ "TARGET" ] } ]
        """;

    private static readonly (string Variable, string Value)[] Variables =
        [("$job", "pyproxy-gateway"), ("$instance", ".+"), ("$route", ".*"), ("$cluster", ".*"), ("$__rate_interval", "1m"), ("$__range", "1m")];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task EveryPanelsQuery_ReturnsData()
    {
        using var directory = new TemporaryDirectory("deploy");
        await using var redis = GarnetInProcess.Start();
        await using var origin = await DashboardTraffic.StartOriginAsync();
        await using var gateway = await DashboardTraffic.StartGatewayAsync(origin, redis.Endpoint, directory);
        var ports = await gateway.ListeningAsync();
        var file = directory.Write("prometheus.yml", Configuration.Replace("TARGET", $"127.0.0.1:{ports["Admin"]}", StringComparison.Ordinal));
        await using var prometheus = await Peer.StartAsync(Prometheus, 1, free => Start(directory, file, free[0]), ReadyAsync);
        using var traffic = new DashboardTraffic(gateway, ports, origin);
        using var client = new HttpClient { BaseAddress = prometheus.Url(0) };

        var missing = Dashboards.Names.SelectMany(Dashboards.Queries).ToList();
        Assert.True(missing.Count > 80, "There should be more queries than that.");
        var started = TimeProvider.System.GetTimestamp();
        while (missing.Count > 0 && TimeProvider.System.GetElapsedTime(started) < 2 * Peer.Patience)
        {
            await traffic.RunOnceAsync();
            var still = new List<(string Panel, string Query)>();
            foreach (var query in missing)
            {
                if (!await HasDataAsync(client, query.Query))
                {
                    still.Add(query);
                }
            }

            missing = still;
        }

        Assert.True(missing.Count == 0, $"Nothing for:\n{string.Join('\n', missing.Select(item => $"{item.Panel}: {item.Query}"))}");
    }

    /// <summary>At least one sample that is a number; a quantile of nothing is none.</summary>
    private static async Task<bool> HasDataAsync(HttpClient prometheus, string query)
    {
        foreach (var (variable, value) in Variables)
        {
            query = query.Replace(variable, value, StringComparison.Ordinal);
        }

        using var form = new FormUrlEncodedContent([new("query", query)]);
        using var response = await prometheus.PostAsync(new Uri("/api/v1/query", UriKind.Relative), form, Cancellation);
        var text = await response.Content.ReadAsStringAsync(Cancellation);
        Assert.True(response.IsSuccessStatusCode, $"{query}: {text}");
        return JsonNode.Parse(text)!["data"]!["result"]!.AsArray().Any(sample => (string?)sample!["value"]![1] != "NaN");
    }

    private static async Task<bool> ReadyAsync(Peer prometheus)
    {
        using var client = new HttpClient();
        try
        {
            using var response = await client.GetAsync(new Uri(prometheus.Url(0), "-/ready"), Cancellation);
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static ProcessStartInfo Start(TemporaryDirectory directory, string file, int port) => new(
        Prometheus,
        [
            $"--config.file={file}", $"--storage.tsdb.path={directory.Path}/data", "--log.level=error",
            string.Create(CultureInfo.InvariantCulture, $"--web.listen-address=127.0.0.1:{port}"),
        ]);
}
