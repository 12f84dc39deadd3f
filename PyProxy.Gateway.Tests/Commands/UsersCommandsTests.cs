using System.CommandLine;
using PyProxy.Gateway.Commands;
using PyProxy.Gateway.Tests.Configuration;
using PyProxy.Gateway.Tests.Functional;
using PyProxy.Gateway.Users;

namespace PyProxy.Gateway.Tests.Commands;

/// <summary><c>users …</c> and <c>hash</c>, on a SQLite database of their own.</summary>
public sealed class UsersCommandsTests : IDisposable
{
    private readonly ConfigurationDirectory _directory = new();

    public UsersCommandsTests() => _directory.Write($$"""
        { "Gateway": {
            "DataDirectory": "{{_directory.Root}}",
            "Users": { "Stores": [ "Configuration", "Database" ],
                       "Accounts": { "carol": { "PasswordHash": "{{GatewayServer.PasswordHashText}}" } } },
            "Plans": { "standard": { "Concurrency": 50 } } } }
        """);

    public void Dispose()
    {
        Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
        _directory.Dispose();
    }

    [Fact]
    public async Task User_IsAddedShownChangedDisabledAndRemoved()
    {
        var added = await RunAsync("users", "add", "alice", "--generate", "--group", "staff", "--group", "admins", "--plan", "standard");
        Assert.Equal(0, added.Code);
        Assert.Matches("^Password: [0-9A-Za-z]{27}\nAdded alice.\n$", added.Output);
        Assert.Equal(1, (await RunAsync("users", "add", "alice", "--no-password")).Code);

        var key = (await RunAsync("users", "set", "alice", "--new-api-key", "laptop", "--no-groups")).Output.Split('\n')[0].Split("pxk_")[1].Split('_')[0];
        var shown = (await RunAsync("users", "show", "alice")).Output;
        Assert.All(
            (string[])["name:      alice", "store:     Database", "state:     enabled", "plan:      standard", "groups:    -", "password:  generated", $"api key:   {key}  laptop"],
            line => Assert.Contains(line, shown, StringComparison.Ordinal));

        Assert.Equal(0, (await RunAsync("users", "disable", "alice")).Code);
        Assert.Equal("carol\tConfiguration\tenabled\t-\t-\tPBKDF2\nalice\tDatabase\tdisabled\tstandard\t-\tgenerated\n", (await RunAsync("users", "list")).Output);
        Assert.Equal(0, (await RunAsync("users", "set", "alice", "--enable", "--remove-api-key", key)).Code);
        Assert.DoesNotContain("api key", (await RunAsync("users", "show", "alice")).Output, StringComparison.Ordinal);
        Assert.Equal(0, (await RunAsync("users", "remove", "alice")).Code);
        Assert.Equal(67, (await RunAsync("users", "remove", "alice")).Code);
    }

    [Theory]
    [InlineData(64, "no plan 'gold'; Gateway:Plans defines: standard", "users", "add", "bob", "--no-password", "--plan", "gold")]
    [InlineData(64, "neither a colon nor control characters", "users", "add", "b:ob", "--no-password")]
    [InlineData(64, "'--password' is neither an option nor a setting", "users", "add", "bob", "--password=secret")]
    [InlineData(64, "secret", "users", "add", "bob", "secret")]
    [InlineData(64, "secret", "hash", "secret")]
    [InlineData(67, "There is no user bob in the database", "users", "set", "bob", "--enable")]
    [InlineData(67, "edit it there", "users", "disable", "carol")]
    public async Task WhatCannotBeDone_IsSaid(int code, string said, params string[] arguments)
    {
        var result = await RunAsync(arguments);

        Assert.Equal(code, result.Code);
        Assert.Contains(said, result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("users", "add", "Asks for the password without showing it")]
    [InlineData("users", "list", "Example")]
    [InlineData("users", "show", "Example")]
    [InlineData("users", "set", "--new-api-key")]
    [InlineData("users", "disable", "--enable")]
    [InlineData("users", "remove", "Example")]
    [InlineData("users", "import", "--atomic")]
    [InlineData("hash", "--help", "PyProxy.Gateway hash < password.txt")]
    public async Task Help_Teaches(string command, string sub, string word)
        => Assert.Contains(word, (await RunAsync(command, sub, "--help")).Output, StringComparison.Ordinal);

    [Fact]
    public async Task Import_TakesWhatIsGood_AndNamesTheRestByLine()
    {
        var file = Write("users.csv", $"""
            name,password,password_hash,groups,plan,disabled
            alice,,{GatewayServer.PasswordHashText},staff;admins,standard,
            bob,correct horse battery staple,,,,true
            "b:ad",x,,,,
            dave,,clear-text,,,
            alice,x,,,,
            erin,x,,,gold,
            """);
        var result = await RunAsync("users", "import", file);

        Assert.Equal(65, result.Code);
        Assert.Equal(["4", "5", "6", "7"], result.Error.TrimEnd().Split('\n').Select(line => line[(file.Length + 1)..].Split(':')[0]));
        Assert.DoesNotContain("clear-text", result.Error, StringComparison.Ordinal);
        Assert.StartsWith("2 users imported in ", result.Output, StringComparison.Ordinal);
        Assert.Contains("alice\tDatabase\tenabled\tstandard\tstaff,admins\tPBKDF2\nbob\tDatabase\tdisabled\t-\t-\tPBKDF2\n", (await RunAsync("users", "list")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AtomicImport_IsAllOrNothing()
    {
        var file = Write("htpasswd", $"alice:{GatewayServer.PasswordHashText}\nbroken\n");
        var refused = await RunAsync("users", "import", file, "--atomic");
        Assert.Equal(65, refused.Code);
        Assert.Contains(":2: there is no colon", refused.Error, StringComparison.Ordinal);
        Assert.EndsWith("Nothing was changed (--atomic).\n", refused.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("alice", (await RunAsync("users", "list")).Output, StringComparison.Ordinal);

        Write("htpasswd", $"alice:{GatewayServer.PasswordHashText}\n");
        Assert.Equal(0, (await RunAsync("users", "import", file, "--atomic")).Code);
        Assert.Equal(65, (await RunAsync("users", "import", file)).Code);
        Assert.Equal(0, (await RunAsync("users", "import", file, "--update")).Code);
    }

    [Fact]
    public async Task Hash_MakesWhatTheConfigurationTakes()
    {
        var generated = await RunAsync("hash", "--generate");
        var password = generated.Error.TrimEnd()["Password: ".Length..];
        Assert.True(PasswordHash.TryParse(generated.Output.TrimEnd(), out var hash));
        Assert.True(hash.IsFast && hash.Verify(password));
    }

    [Fact]
    public async Task Password_ComesFromStandardInput()
    {
        var (code, output) = await Tool.RunAsync(
            "dotnet", "dotnet-sdk", "correct horse battery staple\n", Path.Combine(AppContext.BaseDirectory, "PyProxy.Gateway.dll"), "hash", "--argon2id");

        Assert.Equal(0, code);
        Assert.True(PasswordHash.TryParse(output.TrimEnd(), out var hash));
        Assert.Equal("Argon2id", hash.Kind);
        Assert.True(hash.Verify("correct horse battery staple"));
    }

    [Fact]
    public async Task CtrlC_EndsAnImportInOrder()
    {
        await File.WriteAllLinesAsync(Path.Combine(_directory.Root, "users.csv"), ["name,password", .. Enumerable.Range(0, 5000).Select(i => $"user{i},chosen{i}")], TestContext.Current.CancellationToken);
        await using var import = await GatewayProcess.StartAsync(configuration: null, "users", "import", Path.Combine(_directory.Root, "users.csv"), "--config", _directory.File, "--atomic");
        await Poll.UntilAsync(() => ValueTask.FromResult(File.Exists(Path.Combine(_directory.Root, "pyproxy.db"))));
        await import.SignalAsync("INT");
        var (code, _) = await import.ExitAsync();

        Assert.Equal(130, code);
        Assert.Contains(import.ErrorLines, line => line.StartsWith("Interrupted.", StringComparison.Ordinal));
        Assert.DoesNotContain("Database", (await RunAsync("users", "list")).Output, StringComparison.Ordinal);
    }

    private string Write(string name, string text)
    {
        var path = Path.Combine(_directory.Root, name);
        File.WriteAllText(path, text);
        return path;
    }

    private async Task<(int Code, string Output, string Error)> RunAsync(params string[] arguments)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        var withFile = arguments[0] == "users" && !arguments.Contains("--help") ? [.. arguments, "--config", _directory.File] : arguments;
        var code = await GatewayCommands.RunAsync(
            withFile,
            new GatewayProgram
            {
                AddFeatures = Program.AddFeatures,
                Build = static _ => throw new InvalidOperationException("No command that is tested here builds a gateway."),
                CreateAdminToken = static () => ("", ""),
                RunAsync = static (_, _) => Task.FromResult(0),
            },
            new InvocationConfiguration { Output = output, Error = error });
        return (code, output.ToString(), error.ToString());
    }
}
