using System.CommandLine;
using System.Globalization;
using PyProxy.Gateway.Users.Stores;

namespace PyProxy.Gateway.Commands.Users;

/// <summary>Everything that is known of one user, one fact per line.</summary>
internal static class UsersShowCommand
{
    public static Command Create(GatewayProgram program)
    {
        var name = UserArguments.Name();
        var command = new Command("show", """
            Show a user as the gateway sees it: from the first store that knows the name; what the user has used today and this month, and how
            near the end of which limit that is.

            Example:
              PyProxy.Gateway users show alice
            """) { name };
        var configuration = new ConfigurationArguments();
        configuration.AddTo(command);
        command.SetAction((arguments, cancellationToken) => UserSession.RunAsync(arguments, configuration, program, ShowAsync, cancellationToken));
        return command;

        async Task<int> ShowAsync(UserSession session, ParseResult arguments, CancellationToken cancellationToken)
        {
            var user = arguments.GetRequiredValue(name);
            var (found, store) = await session.Services.GetRequiredService<UserStores>().FindAsync(user, cancellationToken);
            var record = await session.Records.FindAsync(user, cancellationToken);
            if (found is null && record is null)
            {
                return await session.NoSuchUserAsync(user);
            }

            if (found is not null)
            {
                await ShowAccountAsync(session, found, store!.Name);
            }
            else
            {
                await FactAsync(session, "name", user);
                await FactAsync(session, "store", "Database, which the gateway does not ask: Gateway:Users:Stores does not name it");
            }

            if (record is not null)
            {
                await ShowRecordAsync(session, record, cancellationToken);
            }

            foreach (var (what, value) in await UserUsageReport.MakeAsync(session, user, found?.Account, cancellationToken))
            {
                await FactAsync(session, what, value);
            }

            return ExitCodes.Success;
        }
    }

    private static async Task ShowAccountAsync(UserSession session, StoredUser user, string store)
    {
        await FactAsync(session, "name", user.Account.Name);
        await FactAsync(session, "store", store);
        await FactAsync(session, "state", user.Disabled ? "disabled" : "enabled");
        await FactAsync(session, "plan", user.Account.Plan ?? "-");
        await FactAsync(session, "egress", user.Account.EgressProfile ?? "-");
        await FactAsync(session, "groups", user.Account.Groups.Count == 0 ? "-" : string.Join(", ", user.Account.Groups));
        await FactAsync(session, "password", user.Hash?.Kind ?? "-");
    }

    private static async Task ShowRecordAsync(UserSession session, UserRecord record, CancellationToken cancellationToken)
    {
        await FactAsync(session, "created", Time(record.CreatedAt));
        await FactAsync(session, "changed", Time(record.ChangedAt));
        foreach (var key in await session.Records.ApiKeysAsync(record.Name, cancellationToken))
        {
            await FactAsync(session, "api key", $"{key.Id}  {key.Label}  {Time(key.CreatedAt)}");
        }
    }

    private static string Time(DateTimeOffset time) => time.ToString("u", CultureInfo.InvariantCulture);

    private static Task FactAsync(UserSession session, string what, string value) => session.SayAsync($"{what + ':',-10} {value}");
}
