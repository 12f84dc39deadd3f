using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace PyProxy.Gateway.Tests.Deployment;

/// <summary>The dashboards' files.</summary>
internal static partial class Dashboards
{
    private static readonly string Folder = RepositoryFiles.PathOf("deploy/grafana/dashboards");

    public static IReadOnlyList<string> Names { get; } =
        [.. Directory.EnumerateFiles(Folder, "*.json").Select(file => Path.GetFileNameWithoutExtension(file)!).Order(StringComparer.Ordinal)];

    public static JsonNode Read(string name) => JsonNode.Parse(File.ReadAllText(Path.Combine(Folder, name + ".json")))!;

    public static IEnumerable<JsonNode> PanelsWithQueries(string name)
        => Read(name)["panels"]!.AsArray().Where(panel => (string?)panel!["type"] != "row").Select(panel => panel!);

    public static IEnumerable<(string Panel, string Query)> Queries(string name)
        => PanelsWithQueries(name).SelectMany(panel => panel["targets"]!.AsArray().Select(target => ($"{name}: {panel["title"]}", (string)target!["expr"]!)));

    /// <summary>Names of variables in a text, without Grafana's own.</summary>
    public static IEnumerable<string> VariablesIn(string text)
        => VariableNames.Matches(text).Select(match => match.Groups["name"].Value).Distinct(StringComparer.Ordinal);

    [GeneratedRegex(@"\$\{?(?<name>[a-z]\w*)", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex VariableNames { get; }
}
