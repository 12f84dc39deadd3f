using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using PyProxy.Gateway.Users.Import;
using Spectre.Console;

namespace PyProxy.Gateway.Commands.Users;

internal static class UsersImportCommand
{
    private const int ShownMistakes = 100;

    internal enum ImportFormat
    {
        Csv = 0,
        Htpasswd,
    }

    public static Command Create(GatewayProgram program)
    {
        var file = new Argument<string>("FILE") { Description = "The file; - is standard input." };
        var format = new Option<ImportFormat?>("--format") { Description = "Csv or Htpasswd. Default: Csv for a file whose name ends in .csv and for -, else Htpasswd." };
        var atomic = new Option<bool>("--atomic") { Description = "All or nothing: a single bad line, or a user who exists, and nothing is imported." };
        var update = new Option<bool>("--update") { Description = "Replace users who exist. Without it their lines are named and they stay as they are." };
        var generated = new Option<bool>("--generated")
        {
            Description = "The clear passwords were generated, with at least 128 bits each: keep them under the fast hash, verified in microseconds.",
        };
        var command = new Command("import", """
            Bring many users into the database, from CSV or htpasswd.

            CSV begins with a heading, out of: name, password, password_hash, groups, plan, egress_profile, disabled. Groups are separated by semicolons.
            Clear passwords are hashed on all processors, which takes tens of milliseconds each; hashes are taken as they are, and weak ones of
            htpasswd are replaced at the user's next login. A bad line is named by its number and spoils no other. Exit code 65 if there were any.
            Ctrl+C ends it in order: what has been written stays, with --atomic nothing does.

            Examples:
              PyProxy.Gateway users import users.csv
              PyProxy.Gateway users import /etc/squid/passwd --format Htpasswd --atomic
              generate-tokens | PyProxy.Gateway users import - --generated
            """) { file, format, atomic, update, generated };
        var configuration = new ConfigurationArguments();
        configuration.AddTo(command);
        command.SetAction((arguments, cancellationToken) => UserSession.RunAsync(arguments, configuration, program, ImportAsync, cancellationToken));
        return command;

        async Task<int> ImportAsync(UserSession session, ParseResult arguments, CancellationToken cancellationToken)
        {
            var path = arguments.GetRequiredValue(file);
            if (await ReadAsync(session, path, cancellationToken) is not { } lines)
            {
                return ExitCodes.Data;
            }

            var started = Stopwatch.GetTimestamp();
            var mode = new UserImportMode { Atomic = arguments.GetValue(atomic), Replace = arguments.GetValue(update), Generated = arguments.GetValue(generated) };
            var import = new UserImport(session.Records, session.Options.PasswordHashing, mode);
            var reader = new UserImportReader(session.PlanMistake, session.EgressMistake);
            var isCsv = (arguments.GetValue(format) ?? (path == "-" || path.EndsWith(".csv", StringComparison.OrdinalIgnoreCase) ? ImportFormat.Csv : ImportFormat.Htpasswd))
                == ImportFormat.Csv;
            var users = isCsv ? reader.ReadCsv(lines) : reader.ReadHtpasswd(lines);
            try
            {
                await WithProgressAsync(lines.Length, advance => import.RunAsync(users, reader.LineOf, advance, cancellationToken));
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                await session.ErrorAsync(mode.Atomic
                    ? "Interrupted. Nothing was changed (--atomic)."
                    : string.Create(CultureInfo.InvariantCulture, $"Interrupted. {import.Imported} users were imported; with --update the command can be run again."));
                return ExitCodes.Interrupted;
            }

            return await ReportAsync(session, path, import, Stopwatch.GetElapsedTime(started), mode.Atomic);
        }
    }

    private static async Task<string[]?> ReadAsync(UserSession session, string path, CancellationToken cancellationToken)
    {
        try
        {
            return path == "-"
                ? (await Task.Run(Console.In.ReadToEnd, cancellationToken).WaitAsync(cancellationToken)).Split('\n', StringSplitOptions.TrimEntries)
                : await File.ReadAllLinesAsync(path, cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            await session.ErrorAsync($"{path}: {e.Message}");
            return null;
        }
    }

    /// <summary>A bar on a terminal, on standard error; nothing elsewhere, where it would only fill a log.</summary>
    private static Task WithProgressAsync(int total, Func<Action, Task> work)
    {
        if (Console.IsErrorRedirected)
        {
            return work(static () => { });
        }

        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        return console.Progress()
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .StartAsync(progress =>
            {
                var task = progress.AddTask("Importing", maxValue: Math.Max(1, total));
                return work(() => task.Increment(1));
            });
    }

    private static async Task<int> ReportAsync(UserSession session, string path, UserImport import, TimeSpan took, bool atomic)
    {
        var mistakes = import.Mistakes;
        foreach (var (line, mistake) in mistakes.Take(ShownMistakes))
        {
            await session.ErrorAsync(string.Create(CultureInfo.InvariantCulture, $"{path}:{line}: {mistake}"));
        }

        if (mistakes.Count > ShownMistakes)
        {
            await session.ErrorAsync(string.Create(CultureInfo.InvariantCulture, $"{path}: and {mistakes.Count - ShownMistakes} more lines"));
        }

        var nothing = atomic && mistakes.Count > 0 ? " Nothing was changed (--atomic)." : "";
        await session.SayAsync(string.Create(
            CultureInfo.InvariantCulture, $"{import.Imported} users imported in {took.TotalSeconds:F1} s, {mistakes.Count} lines not.{nothing}"));
        await session.WarnUnlessAskedAsync();
        return mistakes.Count == 0 ? ExitCodes.Success : ExitCodes.Data;
    }
}
