using System.CommandLine;
using Spectre.Console;

namespace PyProxy.Gateway.Commands.Capacity;

/// <summary>Finds out how many users at once a gateway holds, before they come.</summary>
internal static class CapacityCommand
{
    public static Command Create()
    {
        var options = new CapacityOptions();
        var json = new Option<string?>("--json") { Description = "Write the report there as JSON." };
        var html = new Option<string?>("--html") { Description = "Write the report there as one HTML page." };
        var require = new Option<int?>("--require") { Description = "Exit code 1 unless so many users held: for a pipeline." };
        var command = new Command("capacity", """
            Put a running gateway under load like many users at once, each with a connection and credentials of its own, and find how many it holds.

            The number of users doubles until 99 of 100 requests no longer keep --p99 or more than --errors percent fail; then the number in
            between is looked for. Latency counts from when a request was due, so that a stall is not hidden by the requests it kept from being sent.
            Ctrl+C ends the run and reports what was measured until then.

            Give the users a plan that does not limit them, or the limit is what you measure. All load comes from one address: raise
            Gateway:Limits' bounds per client address for it.

            Examples:
              PyProxy.Gateway capacity --reverse http://127.0.0.1:8080/ --admin http://127.0.0.1:9090
              PyProxy.Gateway capacity --forward http://127.0.0.1:3128 --target http://127.0.0.1:9000/ --users users.txt --mix plain=70,tunnel=30
              PyProxy.Gateway capacity --forward http://127.0.0.1:3128 --target http://127.0.0.1:9000/ --want 20000 --html capacity.html
              PyProxy.Gateway capacity --reverse https://gateway.test/ --allow-remote --i-operate gateway.test
            """) { json, html, require };
        options.AddTo(command);
        command.SetAction(async (arguments, cancellationToken) =>
        {
            var output = arguments.InvocationConfiguration;
            LoadPlan plan;
            try
            {
                plan = await options.ReadAsync(arguments, cancellationToken);
            }
            catch (Exception e) when (e is FormatException or IOException or UnauthorizedAccessException)
            {
                await output.Error.WriteLineAsync(e.Message);
                return ExitCodes.Usage;
            }

            var stages = await RunAsync(plan, output, cancellationToken);
            if (stages.Count == 0)
            {
                await output.Error.WriteLineAsync("Ended before anything was measured.");
                return ExitCodes.Failure;
            }

            var report = CapacityReport.Of(plan, stages, TimeProvider.System.GetUtcNow());
            foreach (var line in CapacityText.Conclusion(report))
            {
                await output.Output.WriteLineAsync(line);
            }

            await WriteAsync(arguments.GetValue(json), report.ToJson, output);
            await WriteAsync(arguments.GetValue(html), () => CapacityHtml.Render(report), output);
            return arguments.GetValue(require) is { } required && report.UsersHeld < required ? ExitCodes.Failure : ExitCodes.Success;
        });
        return command;
    }

    /// <summary>The stages that were measured, also where Ctrl+C ended the run.</summary>
    private static async Task<List<CapacityStage>> RunAsync(LoadPlan plan, InvocationConfiguration output, CancellationToken cancellationToken)
    {
        var stages = new List<CapacityStage>();
        using var probe = new GatewayProbe(plan.Admin);
        using var interrupted = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Console.CancelKeyPress += Interrupt;
        try
        {
            if (Console.IsOutputRedirected || !ReferenceEquals(output.Output, Console.Out))
            {
                await new CapacityRamp(plan, probe, TimeProvider.System, static _ => { }, stage =>
                {
                    stages.Add(stage);
                    output.Output.WriteLine(CapacityText.LineOf(stage));
                }).RunAsync(interrupted.Token);
            }
            else
            {
                await RunLiveAsync(plan, probe, stages, interrupted.Token);
            }
        }
        catch (OperationCanceledException) when (interrupted.IsCancellationRequested)
        {
            // What was measured until then is reported.
        }
        finally
        {
            Console.CancelKeyPress -= Interrupt;
        }

        if (probe.LastFailure is { } failure)
        {
            await output.Error.WriteLineAsync($"{plan.Admin}: its metrics could not be read: {failure}");
        }

        return stages;

        void Interrupt(object? sender, ConsoleCancelEventArgs e)
        {
            e.Cancel = true;
            interrupted.Cancel();
        }
    }

    private static Task RunLiveAsync(LoadPlan plan, GatewayProbe probe, List<CapacityStage> stages, CancellationToken cancellationToken)
    {
        var table = CapacityText.CreateTable();
        return AnsiConsole.Live(table).StartAsync(live =>
        {
            var ramp = new CapacityRamp(plan, probe, TimeProvider.System, Began, Ended);
            return ramp.RunAsync(cancellationToken);

            void Began(int users)
            {
                table.Caption(FormattableString.Invariant($"{users} users …"));
                live.Refresh();
            }

            void Ended(CapacityStage stage)
            {
                stages.Add(stage);
                CapacityText.AddTo(table, stage);
                table.Caption("");
                live.Refresh();
            }
        });
    }

    private static async Task WriteAsync(string? path, Func<string> render, InvocationConfiguration output)
    {
        if (path is null)
        {
            return;
        }

        try
        {
            await File.WriteAllTextAsync(path, render());
            await output.Output.WriteLineAsync($"Written: {path}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            await output.Error.WriteLineAsync($"{path}: {e.Message}");
        }
    }
}
