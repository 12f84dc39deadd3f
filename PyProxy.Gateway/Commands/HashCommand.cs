using System.CommandLine;
using Spectre.Console;

namespace PyProxy.Gateway.Commands;

/// <summary>Hashes a password. Never one from an argument: other users of the machine see those, and the shell remembers them.</summary>
internal static class HashCommand
{
    public static Command Create(GatewayProgram program)
    {
        var command = new Command("hash", """
            Hash a password for "PasswordHash". Asks for it without showing it, or reads one line of standard input.

            Examples:
              PyProxy.Gateway hash
              PyProxy.Gateway hash < password.txt
            """);
        command.SetAction(async (arguments, cancellationToken) =>
        {
            var password = Console.IsInputRedirected
                ? await Console.In.ReadLineAsync(cancellationToken)
                : await AskAsync(cancellationToken);
            if (string.IsNullOrEmpty(password))
            {
                await arguments.InvocationConfiguration.Error.WriteLineAsync("No password was given.");
                return ExitCodes.Failure;
            }

            await arguments.InvocationConfiguration.Output.WriteLineAsync(program.HashPassword(password));
            return ExitCodes.Success;
        });
        return command;
    }

    // On standard error, so that standard output holds the hash and nothing else.
    private static Task<string> AskAsync(CancellationToken cancellationToken)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        return console.PromptAsync(new TextPrompt<string>("Password:").Secret(mask: null), cancellationToken);
    }
}
