using System.CommandLine;
using PyProxy.Gateway.Users;
using PyProxy.Gateway.Users.Stores;

namespace PyProxy.Gateway.Commands.Users;

internal static class UsersAddCommand
{
    public static Command Create(GatewayProgram program)
    {
        var name = UserArguments.Name();
        var groups = UserArguments.Groups("A group that the user belongs to; may be given several times.");
        var plan = UserArguments.Plan("The user's plan in Gateway:Plans.");
        var egress = UserArguments.EgressProfile("The user's profile in Gateway:Egress:Profiles.");
        var generate = UserArguments.Generate();
        var noPassword = new Option<bool>("--no-password") { Description = "No password is right: the user comes by API key, certificate, token or address." };
        var command = new Command("add", """
            Add a user to the database. Asks for the password without showing it, or reads one line of standard input.

            Examples:
              PyProxy.Gateway users add alice --group staff --plan standard
              PyProxy.Gateway users add alice < password.txt
              PyProxy.Gateway users add robot --generate
            """) { name, groups, plan, egress, generate, noPassword };
        var configuration = new ConfigurationArguments();
        configuration.AddTo(command);
        command.SetAction((arguments, cancellationToken) => UserSession.RunAsync(arguments, configuration, program, AddAsync, cancellationToken));
        return command;

        async Task<int> AddAsync(UserSession session, ParseResult arguments, CancellationToken cancellationToken)
        {
            var user = arguments.GetRequiredValue(name);
            var mistake = UserName.IsValid(user) ? session.PlanMistake(arguments.GetValue(plan)) ?? session.EgressMistake(arguments.GetValue(egress)) : UserName.Rule;
            if (mistake is not null)
            {
                await session.ErrorAsync($"{user}: {mistake}.");
                return ExitCodes.Usage;
            }

            if (await session.Records.FindAsync(user, cancellationToken) is not null)
            {
                return await ExistsAsync(session, user);
            }

            string? hash = null;
            if (!arguments.GetValue(noPassword) && (hash = await session.NewPasswordHashAsync(arguments.GetValue(generate), cancellationToken)) is null)
            {
                return ExitCodes.Failure;
            }

            var record = new UserRecord
            {
                Name = user,
                PasswordHash = hash,
                Groups = arguments.GetValue(groups) ?? [],
                Plan = arguments.GetValue(plan),
                EgressProfile = arguments.GetValue(egress),
            };
            if (!await session.Records.AddAsync(record, cancellationToken))
            {
                return await ExistsAsync(session, user);
            }

            await session.SayAsync($"Added {user}.");
            await session.WarnUnlessAskedAsync(user);
            return ExitCodes.Success;
        }
    }

    private static async Task<int> ExistsAsync(UserSession session, string name)
    {
        await session.ErrorAsync($"There is a user {name} already; `users set {name}` changes it.");
        return ExitCodes.Failure;
    }
}
