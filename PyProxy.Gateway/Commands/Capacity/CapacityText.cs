using System.Globalization;
using Spectre.Console;

namespace PyProxy.Gateway.Commands.Capacity;

/// <summary>The run on a terminal: a row for each stage as it ends, and the conclusion.</summary>
internal static class CapacityText
{
    private static readonly string[] Columns = ["users", "requests/s", "errors", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms", "gateway CPU", "memory MB", ""];

    public static Table CreateTable()
    {
        var table = new Table().Border(TableBorder.Simple);
        foreach (var column in Columns)
        {
            table.AddColumn(new TableColumn(column).RightAligned().NoWrap());
        }

        return table;
    }

    public static void AddTo(Table table, CapacityStage stage) => table.AddRow([.. Cells(stage).Select(static cell => new Text(cell))]);

    /// <summary>The same row where there is no terminal to draw a table on.</summary>
    public static string LineOf(CapacityStage stage)
        => string.Join("  ", Columns.Zip(Cells(stage)).Where(static cell => cell.Second.Length > 0).Select(static cell => $"{cell.First} {cell.Second}".Trim()));

    public static IEnumerable<string> Conclusion(CapacityReport report)
    {
        yield return report.UsersHeld == 0
            ? Line($"Not even {report.Stages[0].Users} users held (p99 <= {report.P99TargetMilliseconds:F0} ms, errors <= {report.ErrorTarget:P1}).")
            : Line($"{report.UsersHeld} users held: p99 <= {report.P99TargetMilliseconds:F0} ms and errors <= {report.ErrorTarget:P1}, each asking {report.RequestsPerUserAndSecond:0.##} times a second ({report.Mix}).");
        if (report.Bottleneck is { } bottleneck)
        {
            yield return Line($"First to give way: {bottleneck.Kind} ({bottleneck.Because}).");
        }
        else
        {
            yield return "No target broke: --max lets it go on.";
        }

        foreach (var (reason, count) in report.Stages[^1].Failures.OrderByDescending(static failure => failure.Value).Take(5))
        {
            yield return Line($"  failed in the last stage: {count} x {reason}");
        }

        if (report.UsersHeld > 0)
        {
            yield return report.Replicas is { } replicas
                ? Line($"For {report.WantedUsers} users: {replicas} replicas of {report.UsersPerReplica} users each (70 % of what held).")
                : Line($"Plan with {report.UsersPerReplica} users per replica (70 % of what held); --want N says how many replicas that makes.");
        }
    }

    private static string[] Cells(CapacityStage stage) =>
    [
        Line($"{stage.Users}"),
        Line($"{stage.RequestsPerSecond:F0}"),
        Line($"{stage.ErrorShare:P1}"),
        Line($"{stage.P50Milliseconds:F1}"),
        Line($"{stage.P90Milliseconds:F1}"),
        Line($"{stage.P99Milliseconds:F1}"),
        Line($"{stage.P999Milliseconds:F1}"),
        stage.GatewayCpu is { } cpu ? Line($"{cpu:F2}") : "",
        stage.GatewayMemoryBytes is { } memory ? Line($"{memory / 1e6:F0}") : "",
        stage.Held ? "held" : "broke",
    ];

    private static string Line(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
