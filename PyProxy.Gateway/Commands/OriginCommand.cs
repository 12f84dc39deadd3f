using System.CommandLine;
using System.Globalization;

namespace PyProxy.Gateway.Commands;

/// <summary>A small web server to try the gateway against, where there is no internet. It shares no code with the proxies.</summary>
internal static class OriginCommand
{
    public static Command Create()
    {
        var port = new Option<int>("--port") { Description = "Port on 127.0.0.1; 0 takes a free one.", DefaultValueFactory = _ => 9000 };
        var command = new Command("origin", """
            Run a small sample origin to send requests to. Paths:
              /  /echo  /bytes/{count}  /status/{code}  /slow/{milliseconds}  /sse  /ws

            Example:
              PyProxy.Gateway origin --port 9000
            """) { port };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            await using var origin = SampleOrigin.Build(arguments.GetValue(port));
            await origin.StartAsync(cancellationToken);
            await arguments.InvocationConfiguration.Output.WriteLineAsync(
                string.Create(CultureInfo.InvariantCulture, $"Sample origin listens on {string.Join(", ", origin.Urls)}"));
            await origin.WaitForShutdownAsync(cancellationToken);
            return ExitCodes.Success;
        });
        return command;
    }
}
