using System.Globalization;
using System.Net;
using System.Text;

namespace PyProxy.Gateway.Commands.Capacity;

/// <summary>The report as one page without anything from elsewhere: no script, no font, no style sheet.</summary>
internal static class CapacityHtml
{
    private const int Width = 720, Height = 260, Left = 60, Bottom = 30, Top = 12, Right = 16;

    public static string Render(CapacityReport report)
    {
        var stages = report.Stages.OrderBy(static stage => stage.Users).ToList();
        var page = new StringBuilder();
        page.Append("""
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width">
            <title>Capacity</title>
            <style>
            body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1c2430; background: #fff }
            h1 { font-size: 1.6rem; margin-bottom: 0 } h2 { font-size: 1.1rem; margin-top: 2rem } .when { color: #667 }
            .answer { font-size: 1.15rem; border-left: .3rem solid #2a6fb0; padding: .3rem 0 .3rem .9rem; margin: 1.2rem 0 }
            table { border-collapse: collapse; width: 100% } th, td { text-align: right; padding: .25rem .5rem; border-bottom: 1px solid #dde }
            th { font-weight: 600 } tr.broke td { color: #a4262c } .reasons td:first-child, .reasons th:first-child { text-align: left }
            svg { width: 100%; height: auto } svg text { font-size: 12px; fill: #556 } .axis { stroke: #99a } .target { stroke: #a4262c; stroke-dasharray: 5 4 }
            .p50 { stroke: #7fb2dd; fill: none; stroke-width: 2 } .p99 { stroke: #2a6fb0; fill: none; stroke-width: 2 } .rate { stroke: #3c8d4f; fill: none; stroke-width: 2 }
            </style>
            </head>
            <body>
            <h1>Capacity of the gateway</h1>

            """);
        page.Append(Text($"""<p class="when">{report.At:yyyy-MM-dd HH:mm} UTC, {Html(report.Mix)}, {report.RequestsPerUserAndSecond:0.##} requests per user and second</p>""")).Append('\n');
        page.Append("<div class=\"answer\">").AppendJoin("<br>\n", CapacityText.Conclusion(report).Select(Html)).Append("</div>\n");
        page.Append("<h2>Latency by number of users</h2>\n");
        AppendChart(page, stages, "ms", report.P99TargetMilliseconds, ("p99", static stage => stage.P99Milliseconds), ("p50", static stage => stage.P50Milliseconds));
        page.Append("<h2>Answered requests per second</h2>\n");
        AppendChart(page, stages, "/s", null, ("rate", static stage => stage.RequestsPerSecond));
        AppendTable(page, stages);
        AppendReasons(page, stages);
        page.Append("</body>\n</html>\n");
        return page.ToString();
    }

    private static void AppendChart(
        StringBuilder page, List<CapacityStage> stages, string unit, double? target, params (string Class, Func<CapacityStage, double> Value)[] lines)
    {
        // Latency beyond three times its target is drawn at the top: where it broke matters, not how far.
        var highest = target is { } limit ? Math.Min(limit * 3, lines.Max(line => stages.Max(line.Value))) : lines.Max(line => stages.Max(line.Value));
        highest = Math.Max(highest, target * 1.2 ?? 0);
        var most = Math.Max(1, stages[^1].Users);
        page.Append(Text($"""<svg viewBox="0 0 {Width} {Height}" role="img">""")).Append('\n');
        page.Append(Text($"""<path class="axis" fill="none" d="M{Left} {Top}V{Height - Bottom}H{Width - Right}"/>""")).Append('\n');
        for (var i = 0; i <= 4; i++)
        {
            page.Append(Text($"""<text x="{Left - 6}" y="{Y(highest * i / 4) + 4:F0}" text-anchor="end">{highest * i / 4:0.#} {unit}</text>"""));
            page.Append(Text($"""<text x="{X(most * i / 4.0):F0}" y="{Height - 8}" text-anchor="middle">{most * i / 4}</text>""")).Append('\n');
        }

        if (target is { } at)
        {
            page.Append(Text($"""<path class="target" d="M{Left} {Y(at):F1}H{Width - Right}"/><text x="{Width - Right}" y="{Y(at) - 4:F1}" text-anchor="end">target</text>""")).Append('\n');
        }

        foreach (var (name, value) in lines)
        {
            var points = string.Join(' ', stages.Select(stage => Text($"{X(stage.Users):F1},{Y(Math.Min(highest, value(stage))):F1}")));
            page.Append(Text($"""<polyline class="{name}" points="{points}"><title>{name}</title></polyline>""")).Append('\n');
        }

        page.Append("</svg>\n");

        double X(double users) => Left + ((Width - Left - Right) * users / most);
        double Y(double amount) => Height - Bottom - ((Height - Bottom - Top) * (highest == 0 ? 0 : amount / highest));
    }

    private static void AppendTable(StringBuilder page, List<CapacityStage> stages)
    {
        page.Append("<h2>Stages</h2>\n<table>\n<tr><th>users</th><th>requests/s</th><th>errors</th><th>p50 ms</th><th>p90 ms</th><th>p99 ms</th><th>p99.9 ms</th>")
            .Append("<th>gateway CPU</th><th>its memory MB</th><th>its files</th><th>load generator CPU</th><th></th></tr>\n");
        foreach (var stage in stages)
        {
            page.Append(Text($"""
                <tr class="{(stage.Held ? "held" : "broke")}"><td>{stage.Users}</td><td>{stage.RequestsPerSecond:F0}</td><td>{stage.ErrorShare:P1}</td><td>{stage.P50Milliseconds:F1}</td><td>{stage.P90Milliseconds:F1}</td><td>{stage.P99Milliseconds:F1}</td><td>{stage.P999Milliseconds:F1}</td><td>{stage.GatewayCpu:F2}</td><td>{stage.GatewayMemoryBytes / 1e6:F0}</td><td>{stage.GatewayOpenFiles:F0}</td><td>{stage.OwnCpu:F2}</td><td>{(stage.Held ? "held" : "broke")}</td></tr>
                """)).Append('\n');
        }

        page.Append("</table>\n");
    }

    private static void AppendReasons(StringBuilder page, List<CapacityStage> stages)
    {
        var reasons = stages.SelectMany(static stage => stage.Failures.Select(failure => (stage.Users, Reason: failure.Key, Count: failure.Value))).ToList();
        if (reasons.Count == 0)
        {
            return;
        }

        page.Append("<h2>What failed</h2>\n<table class=\"reasons\">\n<tr><th>reason</th><th>users</th><th>requests</th></tr>\n");
        foreach (var (users, reason, count) in reasons)
        {
            page.Append(Text($"<tr><td>{Html(reason)}</td><td>{users}</td><td>{count}</td></tr>")).Append('\n');
        }

        page.Append("</table>\n");
    }

    private static string Html(string text) => WebUtility.HtmlEncode(text);

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
