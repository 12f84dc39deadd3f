using System.CommandLine;

namespace PyProxy.Gateway.Commands.Users;

internal static class UsersRemoveCommand
{
    public static Command Create(GatewayProgram program)
    {
        var name = UserArguments.Name();
        var command = new Command("remove", """
            Remove a user and the user's API keys from the database. `users disable` keeps the record.

            Example:
              PyProxy.Gateway users remove alice
            """) { name };
        var configuration = new ConfigurationArguments();
        configuration.AddTo(command);
        command.SetAction((arguments, cancellationToken) => UserSession.RunAsync(arguments, configuration, program, RemoveAsync, cancellationToken));
        return command;

        async Task<int> RemoveAsync(UserSession session, ParseResult arguments, CancellationToken cancellationToken)
        {
            var user = arguments.GetRequiredValue(name);
            if (!await session.Records.RemoveAsync(user, cancellationToken))
            {
                return await session.NoSuchUserAsync(user);
            }

            await session.SayAsync($"Removed {user}.");
            return ExitCodes.Success;
        }
    }
}
