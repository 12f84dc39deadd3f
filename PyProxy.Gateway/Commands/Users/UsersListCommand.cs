using System.CommandLine;
using PyProxy.Gateway.Users.Stores;

namespace PyProxy.Gateway.Commands.Users;

internal static class UsersListCommand
{
    public static Command Create(GatewayProgram program)
    {
        var command = new Command("list", """
            List the users of all stores that the gateway asks, and of the database: name, store, state, plan, groups, form of the password's hash;
            one per line, separated by tabs.

            Example:
              PyProxy.Gateway users list | grep disabled
            """);
        var configuration = new ConfigurationArguments();
        configuration.AddTo(command);
        command.SetAction((arguments, cancellationToken) => UserSession.RunAsync(arguments, configuration, program, ListAsync, cancellationToken));
        return command;

        static async Task<int> ListAsync(UserSession session, ParseResult arguments, CancellationToken cancellationToken)
        {
            var catalog = session.Services.GetRequiredService<UserCatalog>();
            await foreach (var user in catalog.ListAsync(afterStore: null, afterName: "", withDatabase: true, cancellationToken))
            {
                await session.SayAsync(string.Join(
                    '\t',
                    user.Name,
                    user.Store,
                    user.Disabled ? "disabled" : "enabled",
                    user.Plan ?? "-",
                    user.Groups.Count == 0 ? "-" : string.Join(',', user.Groups),
                    user.PasswordAlgorithm ?? "-"));
            }

            return ExitCodes.Success;
        }
    }
}
