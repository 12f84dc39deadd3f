using System.CommandLine;
using PyProxy.Gateway.Commands.Capacity;
using PyProxy.Gateway.Commands.Explain;
using PyProxy.Gateway.Commands.Users;

namespace PyProxy.Gateway.Commands;

/// <summary>The command line.</summary>
internal static class GatewayCommands
{
    // What a command needs to take back what it has begun; after that it ends all the same.
    private static readonly TimeSpan TerminationTimeout = TimeSpan.FromSeconds(5);

    public static Task<int> RunAsync(string[] args, GatewayProgram program, InvocationConfiguration? invocation = null)
    {
        var parsed = Create(program).Parse(args);
        var mistakes = Mistakes(parsed).ToList();
        foreach (var mistake in mistakes)
        {
            (invocation?.Error ?? Console.Error).WriteLine(mistake);
        }

        // The gateway ends on signals by itself, in its own order and time. Commands learn of Ctrl+C by their token.
        return mistakes.Count > 0
            ? Task.FromResult(ExitCodes.Usage)
            : parsed.InvokeAsync(invocation ?? new InvocationConfiguration
            {
                ProcessTerminationTimeout = parsed.CommandResult.Command is RootCommand ? null : TerminationTimeout,
            });
    }

    private static IEnumerable<string> Mistakes(ParseResult parsed)
    {
        var mistakes = parsed.Errors.Select(e => e.Message);

        // The parser asks the root command whether it takes settings, not the command that was named.
        return parsed.CommandResult.Command.TreatUnmatchedTokensAsErrors
            ? mistakes.Concat(parsed.UnmatchedTokens.Select(t => $"Unrecognized argument '{t}'."))
            : mistakes;
    }

    internal static RootCommand Create(GatewayProgram program)
    {
        var root = new RootCommand("""
            A reverse and forward proxy (HTTP, CONNECT, SOCKS5) for many users. Without a command it runs.

            Examples:
              PyProxy.Gateway                                         run on ./appsettings.json, or on embedded defaults
              PyProxy.Gateway --config /etc/pyproxy/appsettings.json  run on another file; edits to it are applied while it runs
              PyProxy.Gateway --Gateway:Privacy:Mode=Strict           override a setting
              Gateway__Privacy__Mode=Strict PyProxy.Gateway           the same from the environment
              PyProxy.Gateway --urls http://127.0.0.1:8000            listen there, where no Kestrel:Endpoints are configured
              PyProxy.Gateway check                                   what is wrong with the configuration, with lines
              PyProxy.Gateway explain --user alice --target example.org:443   what the rules say of it, and why
              PyProxy.Gateway users add alice                         a user in the database; asks for the password
              PyProxy.Gateway origin                                  a sample origin to try the proxies against
              PyProxy.Gateway capacity                                how many users at once a running gateway holds
            """);
        RunCommand.Configure(root, program);
        root.Subcommands.Add(CheckCommand.Create(program));
        root.Subcommands.Add(ExplainCommand.Create(program));
        root.Subcommands.Add(SchemaCommand.Create(program));
        root.Subcommands.Add(HashCommand.Create());
        root.Subcommands.Add(UsersCommand.Create(program));
        root.Subcommands.Add(AdminTokenCommand.Create(program));
        root.Subcommands.Add(HealthCommand.Create(program));
        root.Subcommands.Add(OriginCommand.Create());
        root.Subcommands.Add(CapacityCommand.Create());
        return root;
    }
}
