using System.CommandLine;

namespace PyProxy.Gateway.Commands;

/// <summary>Judges the configuration as a start would, and starts nothing.</summary>
internal static class CheckCommand
{
    public static Command Create(GatewayProgram program)
    {
        var command = new Command("check", """
            Check the configuration as a start would, and start nothing.
            Prints FILE:LINE: PATH: MESSAGE for each problem. Exit code 0 when it is good, 78 when it is not.

            Example:
              PyProxy.Gateway check --config /etc/pyproxy/appsettings.json
            """);
        var configuration = new ConfigurationArguments();
        configuration.AddTo(command);
        command.SetAction((arguments, cancellationToken) => CheckAsync(arguments, configuration, program, cancellationToken));
        return command;
    }

    private static async Task<int> CheckAsync(
        ParseResult arguments, ConfigurationArguments configuration, GatewayProgram program, CancellationToken cancellationToken)
    {
        if (configuration.Loader(arguments, program.AddFeatures) is not { } loader)
        {
            return ExitCodes.Usage;
        }

        var output = arguments.InvocationConfiguration.Output;
        var loaded = await loader.LoadAsync(cancellationToken);
        if (!loaded.IsValid)
        {
            ProblemReport.Write(output, loader.File, loaded.Problems);
            return ExitCodes.Configuration;
        }

        await output.WriteLineAsync($"{loader.File.DisplayName}: good; {Listeners(new ConfigurationBuilder().AddInMemoryCollection(loaded.Data).Build())}");
        return ExitCodes.Success;
    }

    private static string Listeners(IConfiguration configuration)
    {
        var endpoints = configuration.GetSection("Kestrel:Endpoints").GetChildren()
            .Select(e => $"{e.Key} ({e["Role"] ?? "Reverse"}) on {e["Url"]}")
            .ToList();
        return endpoints.Count > 0
            ? "would listen: " + string.Join(", ", endpoints)
            : $"would listen: (Reverse) on {configuration["urls"] ?? configuration["http_ports"] ?? "http://localhost:5000"}";
    }
}
