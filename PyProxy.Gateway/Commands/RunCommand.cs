using System.CommandLine;
using PyProxy.Gateway.Configuration;

namespace PyProxy.Gateway.Commands;

/// <summary>The default: runs the gateway, once its configuration is known to be good.</summary>
internal static class RunCommand
{
    public static void Configure(Command root, GatewayProgram program)
    {
        var configuration = new ConfigurationArguments();
        configuration.AddTo(root);
        root.SetAction((arguments, cancellationToken) => RunAsync(arguments, configuration, program, cancellationToken));
    }

    private static async Task<int> RunAsync(
        ParseResult arguments, ConfigurationArguments configuration, GatewayProgram program, CancellationToken cancellationToken)
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

        return await program.RunAsync(new GatewayConfiguration(loader, loaded), cancellationToken);
    }
}
