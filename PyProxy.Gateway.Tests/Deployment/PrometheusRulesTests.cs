using System.Text.RegularExpressions;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Deployment;

/// <summary>Recording and alert rules, judged by Prometheus' own tool.</summary>
public sealed partial class PrometheusRulesTests
{
    private const string Rules = "deploy/prometheus/rules.yaml";

    [Fact]
    public async Task Rules_PassTheirUnitTests()
    {
        var (code, output) = await Tool.RunAsync("promtool", "prometheus", "", "test", "rules", RepositoryFiles.PathOf("deploy/prometheus/rules_test.yaml"));
        Assert.True(code == 0, output);
    }

    [Fact]
    public async Task PrometheusConfiguration_IsGood()
    {
        // A copy that finds the rules beside it, where the container has them in /etc/prometheus.
        using var directory = new TemporaryDirectory("deploy");
        directory.Write("rules.yaml", await RepositoryFiles.ReadAsync(Rules));
        var text = await RepositoryFiles.ReadAsync("deploy/prometheus/prometheus.yml");
        Assert.Contains("[/etc/prometheus/rules.yaml]", text, StringComparison.Ordinal);
        var copy = directory.Write("prometheus.yml", text.Replace("/etc/prometheus/", "", StringComparison.Ordinal));

        var (code, output) = await Tool.RunAsync("promtool", "prometheus", "", "check", "config", copy);
        Assert.True(code == 0, output);
    }

    [Fact]
    public async Task Alerts_HaveATestAndASectionOfTheirOwn()
    {
        var rules = await RepositoryFiles.ReadAsync(Rules);
        var tests = await RepositoryFiles.ReadAsync("deploy/prometheus/rules_test.yaml");
        var headings = (await RepositoryFiles.ReadAsync("docs/operations.md")).Split('\n')
            .Where(line => line.StartsWith('#'))
            .Select(line => Anchor(line.TrimStart('#').Trim()))
            .ToHashSet(StringComparer.Ordinal);

        var alerts = AlertNames.Matches(rules).Select(match => match.Groups["name"].Value).ToList();
        Assert.NotEmpty(alerts);
        Assert.All(alerts, alert =>
        {
            var anchor = Anchor(alert);
            Assert.Contains($"runbook: docs/operations.md#{anchor}\n", rules, StringComparison.Ordinal);
            Assert.True(headings.Contains(anchor), $"docs/operations.md has no section {alert}");
            Assert.Contains($"alertname: {alert}\n", tests, StringComparison.Ordinal);
        });
        Assert.Equal(alerts.Count, RunbookLines.Count(rules));
    }

    /// <summary>As GitHub makes it from a heading of one word.</summary>
    private static string Anchor(string heading) => heading.ToLowerInvariant().Replace(' ', '-');

    [GeneratedRegex(@"^ +- alert: (?<name>\w+)$", RegexOptions.Multiline | RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex AlertNames { get; }

    [GeneratedRegex(@"^ +runbook: ", RegexOptions.Multiline | RegexOptions.NonBacktracking)]
    private static partial Regex RunbookLines { get; }
}
