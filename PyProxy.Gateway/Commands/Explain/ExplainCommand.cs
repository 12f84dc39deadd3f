using System.CommandLine;
using System.Text.Json;
using PyProxy.Gateway.Configuration;
using PyProxy.Gateway.Explain;
using PyProxy.Gateway.Filtering.Lists;
using PyProxy.Gateway.Listeners.Endpoints;
using PyProxy.Gateway.State.Database;
using PyProxy.Gateway.Users.Stores;

namespace PyProxy.Gateway.Commands.Explain;

/// <summary>Says what would become of an exchange under a configuration, and why, by the code that decides about traffic.</summary>
internal static class ExplainCommand
{
    public static Command Create(GatewayProgram program)
    {
        var question = new QuestionArguments();
        var json = new Option<bool>("--json") { Description = "Print JSON, as the admin API answers." };
        var all = new Option<bool>("--all") { Description = "Print also each of the rules that are about other hosts." };
        var command = new Command("explain", """
            Say what would become of a request or a tunnel under the configuration, which rule decides, and why the others do not. By the code that
            decides about traffic; nothing is sent but the question for the host's addresses.

            Examples:
              PyProxy.Gateway explain --user alice --method CONNECT --target example.org:443 --at 2026-03-01T09:00
              PyProxy.Gateway explain --user alice --target http://example.org/path?a=b --header 'User-Agent: curl/8' --from 10.1.2.3
              PyProxy.Gateway explain --way reverse --target https://shop.example/login --method POST --body-size 100000
              PyProxy.Gateway explain --target http://example.org/ --status 200 --response-header 'Content-Type: text/html'
            """) { json, all };
        question.AddTo(command);
        var configuration = new ConfigurationArguments();
        configuration.AddTo(command);
        command.SetAction(async (arguments, cancellationToken) =>
        {
            if (configuration.Loader(arguments, program.AddFeatures) is not { } loader)
            {
                return ExitCodes.Usage;
            }

            var loaded = await loader.LoadAsync(cancellationToken);
            if (!loaded.IsValid)
            {
                ProblemReport.Write(arguments.InvocationConfiguration.Error, loader.File, loaded.Problems);
                return ExitCodes.Configuration;
            }

            try
            {
                var asked = question.Read(arguments);
                var explanation = await ExplainAsync(asked, new GatewayConfiguration(loader, Silent(loaded)), program, cancellationToken);
                var output = arguments.InvocationConfiguration.Output;
                if (arguments.GetValue(json))
                {
                    await output.WriteLineAsync(JsonSerializer.Serialize(explanation, ExplanationJson.Options));
                }
                else
                {
                    ExplanationText.Write(output, explanation, arguments.GetValue(all));
                }

                return ExitCodes.Success;
            }
            catch (QuestionException e)
            {
                await arguments.InvocationConfiguration.Error.WriteLineAsync($"{QuestionArguments.OptionOf(e.Member)}: {e.Message}");
                return ExitCodes.Usage;
            }
        });
        return command;
    }

    /// <summary>Standard output is for the answer.</summary>
    private static LoadedConfiguration Silent(LoadedConfiguration loaded)
    {
        var data = loaded.Data.Where(static entry => !entry.Key.StartsWith("Logging:", StringComparison.OrdinalIgnoreCase))
            .ToDictionary(static entry => entry.Key, static entry => entry.Value, StringComparer.OrdinalIgnoreCase);
        data["Logging:LogLevel:Default"] = nameof(LogLevel.None);
        return loaded with { Data = data };
    }

    private static async Task<Explanation> ExplainAsync(
        Question question, GatewayConfiguration configuration, GatewayProgram program, CancellationToken cancellationToken)
    {
        // The gateway itself, built and not started.
        await using var gateway = program.Build(configuration);
        var services = gateway.Services;
        services.GetRequiredService<ListenerRegistry>().Replace(ConfiguredListeners.Of(services.GetRequiredService<IConfiguration>()));
        var missing = await services.GetRequiredService<FilterLists>().LoadLocalAsync(cancellationToken);
        if (question.User is not null && services.GetRequiredService<DatabaseUserStore>().NeedsDatabase)
        {
            try
            {
                await services.GetRequiredService<GatewayDatabase>().PrepareAsync(cancellationToken);
            }
            catch (DatabaseUnavailableException)
            {
                // Whoever looks the user up says so.
            }
        }

        var explanation = await services.GetRequiredService<Explainer>().ExplainAsync(question, cancellationToken);
        return explanation with
        {
            Notes = [.. missing.Select(static list => $"The list {list.Name} could not be loaded and is taken for empty: {list.Reason}."), .. explanation.Notes],
        };
    }
}
