using System.CommandLine;
using PyProxy.Gateway.Users;
using PyProxy.Gateway.Users.Stores;

namespace PyProxy.Gateway.Commands.Users;

internal static class UsersListCommand
{
    private const int PageSize = 1000;

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
            foreach (var (name, account) in session.Options.Accounts.OrderBy(a => a.Key, StringComparer.Ordinal))
            {
                await WriteAsync(session, name, ConfigurationUserStore.StoreName, account.Disabled, account.Plan, account.Groups, account.PasswordHash);
            }

            var htpasswd = session.Services.GetRequiredService<HtpasswdUserStore>();
            foreach (var user in (await htpasswd.AllAsync(cancellationToken)).OrderBy(u => u.Account.Name, StringComparer.Ordinal))
            {
                await WriteAsync(session, user.Account.Name, HtpasswdUserStore.StoreName, disabled: false, plan: null, [], user.Hash!.ToString());
            }

            IReadOnlyList<UserRecord> page = [];
            do
            {
                page = await session.Records.ListAsync(page.Count == 0 ? "" : page[^1].Name, PageSize, cancellationToken);
                foreach (var user in page)
                {
                    await WriteAsync(session, user.Name, DatabaseUserStore.StoreName, user.Disabled, user.Plan, user.Groups, user.PasswordHash);
                }
            }
            while (page.Count == PageSize);

            return ExitCodes.Success;
        }
    }

    private static Task WriteAsync(
        UserSession session, string name, string store, bool disabled, string? plan, IReadOnlyList<string> groups, string? hash)
        => session.SayAsync(string.Join('\t', name, store, disabled ? "disabled" : "enabled", plan ?? "-", groups.Count == 0 ? "-" : string.Join(',', groups), Form(hash)));

    internal static string Form(string? hash) => hash is null ? "-" : PasswordHash.TryParseAny(hash, out var parsed) ? parsed.Kind : "unreadable";
}
