using System.CommandLine;
using PyProxy.Gateway.Users.Passwords;
using PyProxy.Gateway.Users.Stores;

namespace PyProxy.Gateway.Commands.Users;

internal static class UsersSetCommand
{
    public static Command Create(GatewayProgram program)
    {
        var name = UserArguments.Name();
        var groups = UserArguments.Groups("The user's groups from now on, in place of all others; may be given several times.");
        var noGroups = new Option<bool>("--no-groups") { Description = "No groups any more." };
        var plan = UserArguments.Plan("The user's plan in Gateway:Plans; \"\" for none.");
        var egress = UserArguments.EgressProfile("The user's profile in Gateway:Egress:Profiles; \"\" for none.");
        var password = new Option<bool>("--password") { Description = "A new password: asked for without showing it, or one line of standard input." };
        var generate = UserArguments.Generate();
        var enable = new Option<bool>("--enable") { Description = "Let a disabled user in again." };
        var newKey = UserArguments.NewApiKey();
        var removeKey = new Option<string?>("--remove-api-key") { Description = "Revoke the API key with this id.", HelpName = "ID" };
        var command = new Command("set", """
            Change a user of the database. What is not named stays as it is; gateways that run follow within a second.

            Examples:
              PyProxy.Gateway users set alice --plan gold --group staff --group admins
              PyProxy.Gateway users set alice --password
              PyProxy.Gateway users set alice --new-api-key laptop
              PyProxy.Gateway users set alice --enable
            """) { name, groups, noGroups, plan, egress, password, generate, enable, newKey, removeKey };
        var configuration = new ConfigurationArguments();
        configuration.AddTo(command);
        command.SetAction((arguments, cancellationToken) => UserSession.RunAsync(arguments, configuration, program, SetAsync, cancellationToken));
        return command;

        async Task<int> SetAsync(UserSession session, ParseResult arguments, CancellationToken cancellationToken)
        {
            var user = arguments.GetRequiredValue(name);
            if (await session.Records.FindAsync(user, cancellationToken) is null)
            {
                return await session.NoSuchUserAsync(user);
            }

            if ((session.PlanMistake(arguments.GetValue(plan)) ?? session.EgressMistake(arguments.GetValue(egress))) is { } mistake)
            {
                await session.ErrorAsync($"{user}: {mistake}.");
                return ExitCodes.Usage;
            }

            string? hash = null;
            if ((arguments.GetValue(password) || arguments.GetValue(generate))
                && (hash = await session.NewPasswordHashAsync(arguments.GetValue(generate), cancellationToken)) is null)
            {
                return ExitCodes.Failure;
            }

            var change = new UserChange
            {
                PasswordHash = hash,
                Groups = arguments.GetValue(noGroups) ? [] : arguments.GetValue(groups) is { Length: > 0 } named ? named : null,
                Plan = arguments.GetValue(plan),
                EgressProfile = arguments.GetValue(egress),
                Disabled = arguments.GetValue(enable) ? false : null,
            };
            if (change != new UserChange() && !await session.Records.ChangeAsync(user, change, cancellationToken))
            {
                return await session.NoSuchUserAsync(user);
            }

            return await ChangeKeysAsync(session, user, arguments.GetValue(newKey), arguments.GetValue(removeKey), cancellationToken);
        }
    }

    private static async Task<int> ChangeKeysAsync(UserSession session, string user, string? newLabel, string? removedId, CancellationToken cancellationToken)
    {
        if (removedId is not null && !await session.Records.RemoveApiKeyAsync(user, removedId, cancellationToken))
        {
            await session.ErrorAsync($"{user} has no API key {removedId}; `users show {user}` lists them.");
            return ExitCodes.Failure;
        }

        if (newLabel is not null)
        {
            var (id, key) = GeneratedCredential.NewApiKey();
            await session.Records.AddApiKeyAsync(user, id, KeyedHash.CreateGenerated(key), newLabel, cancellationToken);
            await session.SayAsync($"API key: {key}");
        }

        await session.SayAsync($"Changed {user}.");
        await session.WarnUnlessAskedAsync(user);
        return ExitCodes.Success;
    }
}
