using System.CommandLine;
using Microsoft.Extensions.Options;
using PyProxy.Gateway.Egress;
using PyProxy.Gateway.State.Database;
using PyProxy.Gateway.Users;
using PyProxy.Gateway.Users.Passwords;
using PyProxy.Gateway.Users.Stores;

namespace PyProxy.Gateway.Commands.Users;

/// <summary>The stores of a configuration, for a command: the same parts that the gateway runs on, without the gateway.</summary>
internal sealed class UserSession
{
    private readonly IConfiguration _configuration;

    private UserSession(IServiceProvider services, InvocationConfiguration invocation)
    {
        Services = services;
        _configuration = services.GetRequiredService<IConfiguration>();
        Invocation = invocation;
        Records = services.GetRequiredService<UserRecords>();
        Options = services.GetRequiredService<IOptions<UsersOptions>>().Value;
    }

    public IServiceProvider Services { get; }

    /// <summary>The whole configuration, by path.</summary>
    public IEnumerable<KeyValuePair<string, string?>> Settings => _configuration.AsEnumerable();

    public InvocationConfiguration Invocation { get; }

    public UserRecords Records { get; }

    public UsersOptions Options { get; }

    /// <summary>Loads the configuration, prepares the database, runs the command, and says what stood in the way.</summary>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(
        ParseResult arguments,
        ConfigurationArguments configuration,
        GatewayProgram program,
        Func<UserSession, ParseResult, CancellationToken, Task<int>> command,
        CancellationToken cancellationToken)
    {
        if (configuration.Loader(arguments, program.AddFeatures) is not { } loader)
        {
            return ExitCodes.Usage;
        }

        var loaded = await loader.LoadAsync(cancellationToken);
        if (!loaded.IsValid)
        {
            ProblemReport.Write(arguments.InvocationConfiguration.Error, loader.File, loaded.Problems);
            return ExitCodes.Configuration;
        }

        IConfiguration settings = new ConfigurationBuilder().AddInMemoryCollection(loaded.Data).Build();
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton(settings);
        program.AddFeatures(services, settings);
        await using var provider = services.BuildServiceProvider();
        var session = new UserSession(provider, arguments.InvocationConfiguration);
        try
        {
            await session.Records.PrepareAsync(cancellationToken);
            return await command(session, arguments, cancellationToken);
        }
        catch (DatabaseUnavailableException e)
        {
            await session.ErrorAsync($"{e.Message} (Gateway:SharedState:Database says where it is.)");
            return ExitCodes.Unavailable;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            await session.ErrorAsync("Interrupted.");
            return ExitCodes.Interrupted;
        }
    }

    public Task SayAsync(string text) => Invocation.Output.WriteLineAsync(text);

    public Task ErrorAsync(string text) => Invocation.Error.WriteLineAsync(text);

    public async Task<int> NoSuchUserAsync(string name)
    {
        var elsewhere = Options.Accounts.ContainsKey(name) ? " The configuration has one, under Gateway:Users:Accounts; edit it there." : " `users list` shows who is.";
        await ErrorAsync($"There is no user {name} in the database.{elsewhere}");
        return ExitCodes.NoUser;
    }

    /// <inheritdoc cref="PlanNames.Mistake"/>
    public string? PlanMistake(string? plan) => PlanNames.Mistake(_configuration, plan);

    /// <returns>What is wrong with the egress profile's name; <see langword="null"/> where nothing is.</returns>
    public string? EgressMistake(string? profile)
    {
        const string Section = "Gateway:Egress:Profiles";
        if (string.IsNullOrEmpty(profile) || EgressSnapshot.DirectName.Equals(profile, StringComparison.OrdinalIgnoreCase)
            || _configuration.GetSection($"{Section}:{profile}").Exists())
        {
            return null;
        }

        var known = _configuration.GetSection(Section).GetChildren().Select(static p => p.Key).ToList();
        return $"there is no egress profile '{profile}'; {Section} defines{(known.Count == 0 ? " none" : $": {string.Join(", ", known)}")}";
    }

    /// <summary>Asks for a password, or makes one and shows it, the only time that it can be seen.</summary>
    /// <returns>Its hash; <see langword="null"/> after saying why there is none.</returns>
    public async Task<string?> NewPasswordHashAsync(bool generate, CancellationToken cancellationToken)
    {
        if (generate)
        {
            var generated = GeneratedCredential.NewPassword();
            await SayAsync($"Password: {generated}");
            return KeyedHash.CreateGenerated(generated).ToString();
        }

        return await PasswordInput.ReadAsync(Invocation, cancellationToken) is { } password
            ? PasswordHashing.Hash(password, Options.PasswordHashing).ToString()
            : null;
    }

    /// <summary>Says so where the gateway would not find what was just written.</summary>
    public async Task WarnUnlessAskedAsync(string? name = null)
    {
        if (!Options.Stores.Contains(DatabaseUserStore.StoreName, StringComparer.OrdinalIgnoreCase))
        {
            await ErrorAsync("Note: the gateway does not ask the database for users. Add \"Database\" to Gateway:Users:Stores.");
        }
        else if (name is not null && Options.Accounts.ContainsKey(name))
        {
            await ErrorAsync($"Note: the configuration has a user {name} too; the store that Gateway:Users:Stores names first decides.");
        }
    }
}
