using System.Collections;

namespace PyProxy.Gateway.Tests.Configuration;

public sealed class ConfigurationValidationTests : IDisposable
{
    private readonly ConfigurationDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task FiveMistakes_AreAllNamedWithTheirLines()
    {
        var problems = await _directory.ProblemsAsync("""
            {
              // comments count as lines
              "Kestrel": { "Endpoints": { "P": { "Url": "http://*:3128", "Role": "Fowrard" } } },
              "Gateway": {
                "Sampel": {},
                "Sample": {
                  "Mode": "Anonymus",
                  "Count": "many",
                },
                "Zebra": 1,
              },
            }
            """);

        Assert.Equal(
            [
                (3, "$.Kestrel.Endpoints.P.Role"),
                (5, "$.Gateway.Sampel"),
                (7, "$.Gateway.Sample.Mode"),
                (8, "$.Gateway.Sample.Count"),
                (10, "$.Gateway.Zebra"),
            ],
            problems.Select(p => (p.Line ?? 0, p.JsonPath)));
    }

    [Fact]
    public async Task SectionsOwnMistake_HasPathAndLine()
    {
        var problem = Assert.Single(await _directory.ProblemsAsync("{ \"Gateway\": { \"Sample\": {\n\"Names\": [ \"fine\",\n\"not fine\" ] } } }"));

        Assert.Equal((3, "$.Gateway.Sample.Names[1]"), (problem.Line!.Value, problem.JsonPath));
    }

    [Theory]
    [InlineData("""{ "Gateway": { "Sample": { "Mdoe": "Off" } } }""", "did you mean 'Mode'?")]
    [InlineData("""{ "Gateway": { "Sample": { "Children": { "x": { "Kount": 1 } } } } }""", "did you mean 'Count'?")]
    [InlineData("""{ "Gateway": { "Sample": { "Zebra": 1 } } }""", "known here: Mode, Count")]
    [InlineData("""{ "Gatewya": { "Sample": { } } }""", "did you mean 'Gateway'?")]
    [InlineData("""{ "Gateway": { "Sample": { "Count": 99999999999 } } }""", "is not a whole number")]
    [InlineData("""{ "Gateway": { "Sample": { "Timeout": "30" } } }""", "would mean days")]
    [InlineData("""{ "Gateway": { "Sample": { "Timeout": "soon" } } }""", "is not a duration")]
    [InlineData("""{ "Gateway": { "Sample": { "Mode": "1" } } }""", "one of Off, Anonymous")]
    [InlineData("""{ "Gateway": { "Sample": { "Names": "one" } } }""", "where a list: [ … ] is expected")]
    [InlineData("""{ "Gateway": { "Sample": { "Names": { "a": "one" } } } }""", "where a list is expected")]
    [InlineData("""{ "Gateway": { "Sample": { "Count": [ 1 ] } } }""", "stands where a whole number")]
    [InlineData("""{ "Gateway": { "Sample": 5 } }""", "where an object: { … } is expected")]
    [InlineData("""{ "Gateway": { "Sample": { "Count": null } } }""", "may not be null")]
    [InlineData("""{ "Gateway": { "DataDirectory": "" } }""", "may not be empty")]
    [InlineData("""{ "Kestrel": { "Endpoints": { "A": { "AllowAnonymus": true } } } }""", "did you mean 'AllowAnonymous'?")]
    [InlineData("""{ "A": { "b": 1, "B": 2 } }""", "duplicate key")]
    [InlineData("""{ "A": 1 """, "not valid JSON")]
    [InlineData("", "not valid JSON")]
    [InlineData("[]", "one JSON object")]
    public async Task Mistake_IsExplained(string json, string expected)
    {
        var problem = Assert.Single(await _directory.ProblemsAsync(json));

        Assert.Contains(expected, problem.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{ }""", "data")]
    [InlineData("""{ "Gateway": { "DataDirectory": "state/here" } }""", "state/here")]
    [InlineData("""{ "Gateway": { "DataDirectory": "/var/lib/pyproxy" } }""", "/var/lib/pyproxy")]
    public async Task DataDirectory_LiesBelowTheFilesFolder(string json, string expected)
    {
        _directory.Write(json);

        var loaded = await _directory.Loader().LoadAsync(TestContext.Current.CancellationToken);

        Assert.Empty(loaded.Problems);
        Assert.Equal(Path.Combine(_directory.Root, expected), loaded.Data["Gateway:DataDirectory"]);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{ "Gateway": { "sample": { "mode": "anonymous", "Count": "7", "Names": [], "Children": {}, "Note": null } } }""")]
    [InlineData("""{ "Gateway": { "Sample": { "Children": { "404": { "Names": [ "a" ] } } } } }""")]
    [InlineData("""{ "Kestrel": { "Limits": { "MaxConcurrentConnections": 5 }, "Endpoints": { "A": { "Url": "http://*:1", "Sni": {} } } } }""")]
    [InlineData("""{ "ReverseProxy": { "Routes": {}, "Anything": 1 }, "Serilog": { "x": 1 } }""")]
    public async Task GoodConfiguration_HasNoProblems(string json) => Assert.Empty(await _directory.ProblemsAsync(json));

    [Fact]
    public async Task MistakeFromTheEnvironment_NamesTheVariable()
    {
        var problem = Assert.Single(await _directory.ProblemsAsync(
            """{ "Gateway": { "Sample": { "Count": 1 } } }""", new Hashtable { ["Gateway__Sample__Count"] = "many" }));

        Assert.Equal("environment variable Gateway__Sample__Count", problem.Source);
        Assert.Equal("$.Gateway.Sample.Count", problem.JsonPath);
        Assert.Null(problem.Line);
    }

    [Fact]
    public async Task CommandLine_StandsAboveEnvironmentAboveFileAboveHostVariables()
    {
        _directory.Write("""{ "a": "file", "b": "file", "c": "file" }""");
        var environment = new Hashtable { ["ASPNETCORE_a"] = "host", ["ASPNETCORE_d"] = "host", ["b"] = "environment", ["c"] = "environment" };

        var loaded = await _directory.Loader(environment, "--c=line").LoadAsync(TestContext.Current.CancellationToken);

        Assert.Equal(("file", "environment", "line", "host"), (loaded.Data["a"], loaded.Data["b"], loaded.Data["c"], loaded.Data["d"]));
    }

    [Fact]
    public async Task KeyThatIsNoIdentifier_IsQuotedInThePath()
    {
        var problem = Assert.Single(await _directory.ProblemsAsync("""{ "Gateway": { "Sample": { "Children": { "a.b's": { "Count": "x" } } } } }"""));

        Assert.Equal(@"$.Gateway.Sample.Children['a.b\'s'].Count", problem.JsonPath);
    }

    [Theory]
    [InlineData("Forward", "http://*:3128", true)]
    [InlineData("Socks", "http://0.0.0.0:1080", true)]
    [InlineData("Forward", "https://[::]:3128", true)]
    [InlineData("Forward", "http://proxy.example:3128", true)]
    [InlineData("Forward", "http://127.0.0.1:3128", false)]
    [InlineData("Forward", "http://[::1]:3128", false)]
    [InlineData("Forward", "http://localhost:3128", false)]
    [InlineData("Reverse", "http://*:8080", false)]
    public async Task AnonymousProxy_IsRefusedBeyondLoopback(string role, string url, bool refused)
    {
        var problems = await _directory.ProblemsAsync(Endpoint(role, url, ""));

        Assert.Equal(refused, problems.Any(p => p.Message.Contains("\"AllowOpenProxy\": true", StringComparison.Ordinal)));
        Assert.Empty(await _directory.ProblemsAsync(Endpoint(role, url, ", \"AllowOpenProxy\": true")));

        static string Endpoint(string role, string url, string more) =>
            $$"""{ "Kestrel": { "Endpoints": { "P": { "Role": "{{role}}", "Url": "{{url}}", "AllowAnonymous": true{{more}} } } } }""";
    }

    [Theory]
    [InlineData("Forward", "http://*:3128", "{}", true)]
    [InlineData("Socks", "http://0.0.0.0:1080", "{}", true)]
    [InlineData("Forward", "http://127.0.0.1:3128", "{}", false)]
    [InlineData("Reverse", "http://*:8080", "{}", false)]
    [InlineData("Forward", "http://*:3128", """{ "bob": { "PasswordHash": "AQ==" } }""", false)]
    [InlineData("Forward", "http://*:3128", """{ "bob": { "PasswordHash": "AQ==", "Disabled": true } }""", false)]
    public async Task ProxyBeyondLoopbackWithoutUsers_IsRefused(string role, string url, string accounts, bool refused)
    {
        var problems = await _directory.ProblemsAsync($$"""
            {
              "Kestrel": { "Endpoints": { "P": { "Role": "{{role}}", "Url": "{{url}}" }, "Q": { "Role": "{{role}}", "Url": "{{url}}1" } } },
              "Gateway": { "Users": { "Accounts": {{accounts}} } }
            }
            """);

        Assert.Equal(refused ? 1 : 0, problems.Count(p => p.Message.Contains("has no user", StringComparison.Ordinal)));
    }
}
