using System.Text.RegularExpressions;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Deployment;

/// <summary>Whether the dashboards hold together. Grafana itself is not asked: nothing here says how they look.</summary>
public sealed partial class DashboardTests
{
    private const int GridWidth = 24;

    // Units as Grafana names them; a misspelt one would be shown as text behind the number.
    private static readonly string[] Units = ["none", "s", "bytes", "Bps", "reqps", "ops", "cps", "percentunit"];

    public static TheoryData<string> All => [.. Dashboards.Names];

    [Fact]
    public async Task Files_AreWhatTheirSourceSays()
    {
        var (code, output) = await Tool.RunAsync("python3", "python3", "", "-B", RepositoryFiles.PathOf("deploy/grafana/dashboards.py"), "--check");
        Assert.True(code == 0, output);
    }

    [Fact]
    public void Dashboards_HaveNamesOfTheirOwn()
    {
        var boards = Dashboards.Names.Select(Dashboards.Read).ToList();

        Assert.Equal(["forward", "overview", "policy", "routes", "runtime", "users"], Dashboards.Names);
        Assert.Equal(boards.Count, boards.Select(board => (string?)board["uid"]).Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(boards.Count, boards.Select(board => (string?)board["title"]).Distinct(StringComparer.Ordinal).Count());
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Panels_SayWhatTheyShow(string name)
    {
        var panels = Dashboards.Read(name)["panels"]!.AsArray();

        Assert.Equal(Enumerable.Range(1, panels.Count), panels.Select(panel => (int)panel!["id"]!));
        Assert.All(Dashboards.PanelsWithQueries(name), panel =>
        {
            Assert.False(string.IsNullOrWhiteSpace((string?)panel["title"]));
            Assert.False(string.IsNullOrWhiteSpace((string?)panel["description"]), $"{panel["title"]} has no description");
            Assert.Contains((string?)panel["fieldConfig"]!["defaults"]!["unit"], Units);
            Assert.Equal("${datasource}", (string?)panel["datasource"]!["uid"]);
            var targets = panel["targets"]!.AsArray();
            Assert.Equal(targets.Count, targets.Select(target => (string?)target!["refId"]).Distinct(StringComparer.Ordinal).Count());
        });
        var titles = Dashboards.PanelsWithQueries(name).Select(panel => (string?)panel["title"]).ToList();
        Assert.Equal(titles.Count, titles.Distinct(StringComparer.Ordinal).Count());
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Panels_LieInTheGridAndOnNoOther(string name)
    {
        var taken = new HashSet<(int X, int Y)>();
        foreach (var panel in Dashboards.Read(name)["panels"]!.AsArray())
        {
            var grid = panel!["gridPos"]!;
            var (x, y, w, h) = ((int)grid["x"]!, (int)grid["y"]!, (int)grid["w"]!, (int)grid["h"]!);
            Assert.True(x >= 0 && y >= 0 && w > 0 && h > 0 && x + w <= GridWidth, $"{panel["title"]} lies outside");
            for (var column = x; column < x + w; column++)
            {
                for (var line = y; line < y + h; line++)
                {
                    Assert.True(taken.Add((column, line)), $"{panel["title"]} lies on another panel");
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Queries_KeepToTheChosenGateways(string name)
    {
        foreach (var (panel, query) in Dashboards.Queries(name))
        {
            var selectors = Selectors.Count(query);
            var chosen = query.Split("""{job=~"$job",instance=~"$instance""").Length - 1;
            Assert.True(selectors == chosen && selectors > 0, $"{panel}: a selector without $job and $instance in {query}");
            Assert.DoesNotContain("[5m]", query, StringComparison.Ordinal);

            // These are gauges, whatever their names and types say.
            Assert.DoesNotContain("rate(dotnet_thread_pool_queue_length_total", query, StringComparison.Ordinal);
            Assert.DoesNotContain("rate(dotnet_thread_pool_thread_count_total", query, StringComparison.Ordinal);
        }
    }

    [Theory]
    [MemberData(nameof(All))]
    public void Variables_AreThoseThatQueriesUse(string name)
    {
        var board = Dashboards.Read(name);
        var variables = board["templating"]!["list"]!.AsArray().Select(variable => (string)variable!["name"]!).ToList();
        var text = string.Concat(Dashboards.Queries(name).Select(item => item.Query)) + "${datasource}";

        Assert.Equal(39, (int)board["schemaVersion"]!); // Grafana 10 and 11 read it as it is; newer ones migrate it themselves
        Assert.Equal(["datasource", "job", "instance"], variables.Take(3));
        Assert.All(variables.Skip(1), variable => Assert.Contains($"${variable}", text, StringComparison.Ordinal));
        Assert.All(Dashboards.VariablesIn(text), used => Assert.Contains(used, variables));
        Assert.Equal("dashboards", (string?)Assert.Single(board["links"]!.AsArray())!["type"]);
        Assert.Contains((string)board["links"]![0]!["tags"]![0]!, board["tags"]!.AsArray().Select(tag => (string)tag!));
    }

    [Fact]
    public async Task Provisioning_NamesTheFoldersThatTheStackMounts()
    {
        var compose = await RepositoryFiles.ReadAsync("deploy/compose.yaml");
        var provider = await RepositoryFiles.ReadAsync("deploy/grafana/provisioning/dashboards/pyproxy.yaml");

        Assert.Contains("path: /etc/grafana/dashboards\n", provider, StringComparison.Ordinal);
        Assert.Contains("./grafana/dashboards:/etc/grafana/dashboards:ro", compose, StringComparison.Ordinal);
        Assert.Contains("./grafana/provisioning:/etc/grafana/provisioning:ro", compose, StringComparison.Ordinal);
        Assert.Contains("/etc/grafana/dashboards/overview.json", compose, StringComparison.Ordinal);
    }

    /// <summary>A name with a brace behind it; <c>${1}</c> has none.</summary>
    [GeneratedRegex(@"\w\{", RegexOptions.NonBacktracking)]
    private static partial Regex Selectors { get; }
}
