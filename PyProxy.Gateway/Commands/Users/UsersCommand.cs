using System.CommandLine;

namespace PyProxy.Gateway.Commands.Users;

/// <summary>Keeps the users of the database. Those of the configuration and of the htpasswd file are kept by editing these files.</summary>
internal static class UsersCommand
{
    public static Command Create(GatewayProgram program)
    {
        var command = new Command("users", """
            Users of the database (Gateway:SharedState:Database). Gateways that run learn of every change within a second.

            Examples:
              PyProxy.Gateway users add alice --group staff --plan standard      asks for the password
              PyProxy.Gateway users add robot --generate                         makes a password that nobody can guess
              PyProxy.Gateway users set alice --password < new-password.txt
              PyProxy.Gateway users disable alice
              PyProxy.Gateway users import users.csv --atomic

            The gateway asks the database for users once "Gateway:Users:Stores" names it: [ "Configuration", "Database" ].
            """);
        command.Subcommands.Add(UsersAddCommand.Create(program));
        command.Subcommands.Add(UsersListCommand.Create(program));
        command.Subcommands.Add(UsersShowCommand.Create(program));
        command.Subcommands.Add(UsersSetCommand.Create(program));
        command.Subcommands.Add(UsersDisableCommand.Create(program));
        command.Subcommands.Add(UsersRemoveCommand.Create(program));
        command.Subcommands.Add(UsersImportCommand.Create(program));
        return command;
    }
}
