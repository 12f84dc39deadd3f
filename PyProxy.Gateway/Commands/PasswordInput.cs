using System.CommandLine;
using Spectre.Console;

namespace PyProxy.Gateway.Commands;

/// <summary>
/// Where passwords come from: a prompt that does not show them, or one line of standard input. Never an argument: other users of the machine
/// see those, and the shell remembers them.
/// </summary>
internal static class PasswordInput
{
    /// <returns><see langword="null"/> after saying why there is none.</returns>
    public static async Task<string?> ReadAsync(InvocationConfiguration invocation, CancellationToken cancellationToken)
    {
        if (Console.IsInputRedirected)
        {
            var line = await Task.Run(Console.In.ReadLine, cancellationToken).WaitAsync(cancellationToken); // the console's own asynchronous one blocks
            return string.IsNullOrEmpty(line) ? await RefuseAsync(invocation, "No password was given: standard input is empty.") : line;
        }

        // On standard error, so that standard output holds the result and nothing else.
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        string password, again;
        try
        {
            password = await console.PromptAsync(new TextPrompt<string>("Password:").Secret(mask: null), cancellationToken);
            again = await console.PromptAsync(new TextPrompt<string>("Again:").Secret(mask: null), cancellationToken);
        }
        catch (OperationCanceledException)
        {
            await invocation.Error.WriteLineAsync(); // the cursor stands behind the prompt
            throw;
        }

        return password == again ? password : await RefuseAsync(invocation, "The two passwords differ; nothing was changed.");
    }

    private static async Task<string?> RefuseAsync(InvocationConfiguration invocation, string reason)
    {
        await invocation.Error.WriteLineAsync(reason);
        return null;
    }
}
