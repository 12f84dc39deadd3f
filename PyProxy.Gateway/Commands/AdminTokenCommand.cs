using System.CommandLine;

namespace PyProxy.Gateway.Commands;

/// <summary>Makes a token for the admin API and the hash that the configuration holds of it.</summary>
internal static class AdminTokenCommand
{
    public static Command Create(GatewayProgram program)
    {
        var command = new Command("admin-token", """
            Make a token for the admin API. Standard output has the token and nothing else; standard error has the hash of it, which belongs
            into Gateway:Admin:Tokens. The token is stored nowhere.

            Examples:
              PyProxy.Gateway admin-token
              PyProxy.Gateway admin-token > token.txt
            """);
        command.SetAction(async (arguments, _) =>
        {
            var (token, hash) = program.CreateAdminToken();
            var output = arguments.InvocationConfiguration;
            await output.Output.WriteLineAsync(token);
            await output.Error.WriteLineAsync($$"""
                Into Gateway:Admin:Tokens, under a name that the audit log is to show:
                  "NAME": { "Hash": "{{hash}}", "Role": "Read" }   (or "Write")
                """);
            return ExitCodes.Success;
        });
        return command;
    }
}
