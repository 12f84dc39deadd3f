using System.Globalization;
using PyProxy.Gateway.Explain;
using PyProxy.Gateway.Filtering.Rules;
using PyProxy.Gateway.Sections;
using PyProxy.Gateway.Traffic;
using Spectre.Console;

namespace PyProxy.Gateway.Commands.Explain;

/// <summary>An answer for people: the verdict first, then where to look, then everything that led to it.</summary>
internal static class ExplanationText
{
    private const int WidthOfFiles = 400;
    private const int MostOfOneKind = 5; // of rules in a row that are about other hosts

    public static void Write(TextWriter output, Explanation answer, bool all)
    {
        var isFile = !ReferenceEquals(output, Console.Out) || Console.IsOutputRedirected;
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(output),
            Ansi = isFile ? AnsiSupport.No : AnsiSupport.Detect,
        });
        if (isFile)
        {
            console.Profile.Width = WidthOfFiles;
        }

        Verdict(console, answer);
        Asked(console, answer.Asked);
        Rules(console, "Rules, in order", answer.Rules, all);
        if (answer.ResponseRules is { } responseRules)
        {
            Rules(console, "Rules about the response, in order", responseRules, all);
        }

        Rest(console, answer);
        foreach (var note in answer.Notes)
        {
            console.MarkupLineInterpolated($"  [yellow]{"note",-10}[/]  {note}");
        }
    }

    private static void Verdict(IAnsiConsole console, Explanation answer)
    {
        var status = answer.Status is { } code ? string.Create(CultureInfo.InvariantCulture, $" {code}") : "";
        console.MarkupLineInterpolated(
            CultureInfo.InvariantCulture,
            answer.Verdict == ExplainedVerdict.Allowed
                ? (FormattableString)$"[bold green]{Word(answer.Verdict)}{status}[/]  {answer.Summary}"
                : $"[bold red]{Word(answer.Verdict)}{status}[/]  {answer.Summary}");
        if (answer.DecidedBy is { } by)
        {
            Fact(console, "decided by", by.Name);
            if (by.Place is { } place)
            {
                Fact(console, "written at", place.ToString());
            }

            if (by.Message is { } message)
            {
                Fact(console, "told", message);
            }
        }

        console.WriteLine();
    }

    private static void Asked(IAnsiConsole console, ExplainedExchange asked)
    {
        var who = asked.User is null ? "an anonymous client"
            : asked.User
                + (asked.Groups.Count == 0 ? ", in no group" : $", in {string.Join(", ", asked.Groups)}")
                + (asked.Plan is null ? ", without a plan" : $", on the plan {asked.Plan}");
        Fact(console, "asked", $"{asked.Method} {asked.Target}");
        Fact(console, "way in", $"{Lower(asked.WayIn)}{(asked.Endpoint is null ? "" : $", endpoint {asked.Endpoint}")}");
        Fact(console, "who", who);
        Fact(console, "from", asked.From ?? "an address that the question does not name");
        Fact(console, "when", asked.At.ToString("dddd yyyy-MM-dd HH:mm 'UTC'zzz", CultureInfo.InvariantCulture).Replace("UTC+00:00", "UTC", StringComparison.Ordinal));
        console.WriteLine();
    }

    private static void Rules(IAnsiConsole console, string title, IReadOnlyList<ExplainedRule> rules, bool all)
    {
        console.MarkupLineInterpolated($"[bold]{title}[/]");
        if (rules.Count == 0)
        {
            console.MarkupLine("  there are none");
            console.WriteLine();
            return;
        }

        var table = Columns();
        for (var i = 0; i < rules.Count; i++)
        {
            var others = all ? 0 : rules.Skip(i).TakeWhile(IsAboutOtherHosts).Count();
            if (others > MostOfOneKind)
            {
                table.AddRow("", "…", string.Create(CultureInfo.InvariantCulture, $"[dim]{others} rules about other hosts (--all shows them)[/]"), "", "");
                i += others - 1;
                continue;
            }

            var rule = rules[i];
            table.AddRow(
                rule.Index.ToString(CultureInfo.InvariantCulture), rule.Name.EscapeMarkup(), Result(rule), $"[dim]{rule.Action.EscapeMarkup()}[/]", $"[dim]{LineOf(rule.Place).EscapeMarkup()}[/]");
        }

        console.Write(table);
        console.WriteLine();
    }

    private static bool IsAboutOtherHosts(ExplainedRule rule)
        => rule.Result == RuleFate.NoMatch && rule.Why.Any(static why => why.Name is "Hosts" or "HostRegex" or "HostLists");

    private static string Result(ExplainedRule rule) => rule.Result switch
    {
        RuleFate.Decides => "[bold]decides[/]",
        RuleFate.Applies => "[bold]applies[/], and the rules after it are asked",
        RuleFate.Reports => "[yellow]matches[/], but only reports",
        RuleFate.AsksAddress => "asks for the address, when the gateway dials",
        RuleFate.AsksFilter => "asks a filter, which only traffic does",
        RuleFate.NotHere => "matches, but its action means nothing on this way in",
        _ => string.Join('\n', rule.Why.Select(static why => Reason(why).EscapeMarkup())),
    };

    private static string Reason(ExplainedCondition why)
        => $"no: {why.Name} {(why.Name.EndsWith("Not", StringComparison.Ordinal) ? "excludes" : "wants")} {why.Wants}; here: {why.Is}";

    private static void Rest(IAnsiConsole console, Explanation answer)
    {
        foreach (var effect in answer.Effects)
        {
            Fact(console, "effect", effect);
        }

        foreach (var limit in answer.Limits)
        {
            var left = limit is { Left: { } some, Allowed: { } allowed } ? string.Create(CultureInfo.InvariantCulture, $": {some} of {allowed} left") : "";
            Fact(console, "limit", $"plan {limit.Plan}, {limit.Limit} per {limit.Per}{left}");
        }

        if (answer.Egress is { } egress)
        {
            Fact(console, "way out", $"{(egress.Profile is null ? "no egress profile" : $"egress profile {egress.Profile} (by {egress.By.ToLowerInvariant()})")}{(egress.Upstream is null ? "" : $", through the upstream proxy {egress.Upstream}")}, from {egress.SourceAddress ?? "an address of the system's choice"}");
            foreach (var address in egress.Addresses)
            {
                Fact(console, "address", $"{address.Address} {(address.Dialed ? "may be dialed" : "is not dialed")}{By(address)}");
            }
        }

        if (answer.Privacy is { } privacy)
        {
            Fact(console, "privacy", privacy);
        }

        static string By(ExplainedAddress address)
            => address.Rule is { } rule ? $", rule \"{rule}\"" : address.Dialed ? "" : ", by the address policy";
    }

    private static void Fact(IAnsiConsole console, string name, string text) => console.MarkupLineInterpolated($"  [dim]{name,-10}[/]  {text}");

    private static Table Columns()
    {
        var table = new Table { Border = TableBorder.None, ShowHeaders = false };
        table.AddColumn(new TableColumn("") { NoWrap = true, Padding = new Padding(2, 0, 2, 0) }.RightAligned());
        table.AddColumn(new TableColumn("") { Padding = new Padding(0, 0, 2, 0) });
        table.AddColumn(new TableColumn("") { Padding = new Padding(0, 0, 2, 0) });
        table.AddColumn(new TableColumn("") { Padding = new Padding(0, 0, 2, 0) });
        table.AddColumn(new TableColumn("") { NoWrap = true, Padding = new Padding(0) }.RightAligned());
        return table;
    }

    private static string LineOf(SettingPlace place)
        => place.Line is { } line ? string.Create(CultureInfo.InvariantCulture, $"line {line}") : place.Source;

    private static string Word(ExplainedVerdict verdict) => verdict.ToString().ToUpperInvariant();

    private static string Lower(WayIn way) => way.ToString().ToLowerInvariant();
}
