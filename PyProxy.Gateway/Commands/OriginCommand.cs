using System.CommandLine;
using System.Globalization;
using System.Net;

namespace PyProxy.Gateway.Commands;

/// <summary>A small web server to try the gateway against, where there is no internet. It shares no code with the proxies.</summary>
internal static class OriginCommand
{
    public static Command Create()
    {
        var port = new Option<int>("--port") { Description = "Port; 0 takes a free one.", DefaultValueFactory = _ => 9000 };
        var address = new Option<IPAddress>("--address")
        {
            Description = "Address to listen on; it lets everybody in.",
            DefaultValueFactory = _ => IPAddress.Loopback,
            CustomParser = static result =>
            {
                if (!IPAddress.TryParse(result.Tokens[0].Value, out var parsed))
                {
                    result.AddError($"--address: \"{result.Tokens[0].Value}\" is no IP address.");
                }

                return parsed ?? IPAddress.Loopback;
            },
        };
        var command = new Command("origin", """
            Run a small sample origin to send requests to. Paths:
              /  /echo  /bytes/{count}  /status/{code}  /slow/{milliseconds}  /sse  /ws

            Example:
              PyProxy.Gateway origin --port 9000
            """) { port, address };
        command.SetAction(async (arguments, cancellationToken) =>
        {
            await using var origin = SampleOrigin.Build(arguments.GetValue(port), arguments.GetValue(address));
            await origin.StartAsync(cancellationToken);
            await arguments.InvocationConfiguration.Output.WriteLineAsync(
                string.Create(CultureInfo.InvariantCulture, $"Sample origin listens on {string.Join(", ", origin.Urls)}"));
            await origin.WaitForShutdownAsync(cancellationToken);
            return ExitCodes.Success;
        });
        return command;
    }
}
