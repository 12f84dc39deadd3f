using System.CommandLine;
using PyProxy.Gateway.Users.Stores;

namespace PyProxy.Gateway.Commands.Users;

internal static class UsersDisableCommand
{
    public static Command Create(GatewayProgram program)
    {
        var name = UserArguments.Name();
        var command = new Command("disable", """
            Accept no credentials of a user any more, on every gateway at once. What the user has open runs to its end.
            `users set NAME --enable` lets the user in again.

            Example:
              PyProxy.Gateway users disable alice
            """) { name };
        var configuration = new ConfigurationArguments();
        configuration.AddTo(command);
        command.SetAction((arguments, cancellationToken) => UserSession.RunAsync(arguments, configuration, program, DisableAsync, cancellationToken));
        return command;

        async Task<int> DisableAsync(UserSession session, ParseResult arguments, CancellationToken cancellationToken)
        {
            var user = arguments.GetRequiredValue(name);
            if (!await session.Records.ChangeAsync(user, new UserChange { Disabled = true }, cancellationToken))
            {
                return await session.NoSuchUserAsync(user);
            }

            await session.SayAsync($"Disabled {user}.");
            return ExitCodes.Success;
        }
    }
}
