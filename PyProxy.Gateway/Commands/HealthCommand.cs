using System.CommandLine;
using System.Net;

namespace PyProxy.Gateway.Commands;

/// <summary>
/// Asks the gateway that runs on this machine, under the same configuration, whether it is alive. For images that have neither shell nor curl.
/// </summary>
internal static class HealthCommand
{
    private const string LivePath = "/health/live";

    public static Command Create(GatewayProgram program)
    {
        var command = new Command("health", "Asks the running gateway's admin endpoint whether it is alive. Exit code 0: it is.");
        var configuration = new ConfigurationArguments();
        configuration.AddTo(command);
        command.SetAction(async (arguments, cancellationToken) =>
        {
            if (configuration.Loader(arguments, program.AddFeatures) is not { } loader)
            {
                return ExitCodes.Usage;
            }

            // A file with mistakes still says where the gateway listens, which goes on with the last good one.
            var loaded = await loader.LoadAsync(cancellationToken);
            var output = arguments.InvocationConfiguration;
            if (AdminEndpoint.Address(loaded.Data) is not { } address)
            {
                await output.Error.WriteLineAsync("No endpoint in Kestrel:Endpoints has the role Admin and an http or https address.");
                return ExitCodes.Configuration;
            }

            return await AskAsync(new Uri(address, LivePath), output, cancellationToken);
        });
        return command;
    }

    private static async Task<int> AskAsync(Uri address, InvocationConfiguration output, CancellationToken cancellationToken)
    {
        try
        {
            var (status, body) = await AdminEndpoint.GetAsync(address, cancellationToken);
            await output.Output.WriteLineAsync(body);
            return status == HttpStatusCode.OK ? ExitCodes.Success : ExitCodes.Failure;
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            await output.Error.WriteLineAsync($"{address}: {e.Message}");
            return ExitCodes.Failure;
        }
    }
}
