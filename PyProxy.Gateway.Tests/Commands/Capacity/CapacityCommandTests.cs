using System.CommandLine;
using System.Text.Json;
using PyProxy.Gateway.Commands.Capacity;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Commands.Capacity;

/// <summary>Short runs against a whole gateway: what they say, not how fast it is.</summary>
public sealed class CapacityCommandTests : IDisposable
{
    private const string Lenient = "60000"; // ms: a busy machine is no reason for a test to fail

    private readonly TemporaryDirectory _directory = new("capacity");
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();

    public void Dispose()
    {
        _directory.Dispose();
        _output.Dispose();
        _error.Dispose();
    }

    [Fact]
    public async Task EveryKindOfUser_IsServedWithCredentials_AndReported()
    {
        await using var origin = await OriginServer.StartAsync();
        await using var gateway = await GatewayServer.StartAsync(
            origin.Address, """ "Egress": { "AllowedAddresses": [ "127.0.0.1" ], "ConnectPorts": [ "*" ] } """);
        var users = FileOf("users.txt", $"alice:{GatewayServer.Password}");
        var (json, html) = (PathOf("report.json"), PathOf("report.html"));

        var code = await RunAsync(
            "--forward", gateway.Url("Proxy").ToString(), "--socks", $"socks5://127.0.0.1:{gateway.Port("Socks")}", "--reverse", gateway.Url("Web").ToString(),
            "--target", origin.Address.ToString(), "--admin", gateway.Url("Admin").ToString(), "--users", users, "--mix", "plain=2,tunnel=1,socks=1,reverse=1",
            "--start", "5", "--max", "10", "--rate", "20", "--stage", "0.3", "--p99", Lenient, "--requests-per-tunnel", "3", "--want", "100", "--json", json, "--html", html,
            "--require", "10");

        Assert.Equal((0, ""), (code, _error.ToString()));
        Assert.Contains("10 users held", _output.ToString(), StringComparison.Ordinal);
        Assert.Contains("For 100 users: 15 replicas of 7 users each", _output.ToString(), StringComparison.Ordinal);
        using var report = JsonDocument.Parse(await File.ReadAllTextAsync(json, TestContext.Current.CancellationToken));
        var stages = report.RootElement.GetProperty("stages").EnumerateArray().ToList();
        Assert.Equal([5, 10], stages.Select(stage => stage.GetProperty("users").GetInt32()));
        Assert.All(stages[1].GetProperty("kinds").EnumerateObject(), kind => Assert.True(kind.Value.GetInt64() > 0, kind.Name));
        Assert.True(stages[1].GetProperty("gatewayCpu").GetDouble() >= 0);
        var page = await File.ReadAllTextAsync(html, TestContext.Current.CancellationToken);
        Assert.Contains("<svg", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", page, StringComparison.Ordinal);
        Assert.DoesNotContain(GatewayServer.Password, page + _output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task LimitThatRefuses_IsNamedAsWhatGaveWay()
    {
        await using var origin = await OriginServer.StartAsync();
        await using var gateway = await GatewayServer.StartAsync(
            origin.Address,
            """ "Plans": { "few": { "Rates": [ "1/h" ] } } """,
            text => text.Replace("\"ClusterId\": \"origin\"", "\"ClusterId\": \"origin\", \"RateLimiterPolicy\": \"few\"", StringComparison.Ordinal));

        var code = await RunAsync(
            "--reverse", gateway.Url("Web").ToString(), "--admin", gateway.Url("Admin").ToString(),
            "--start", "2", "--max", "2", "--rate", "20", "--stage", "0.3", "--p99", Lenient, "--require", "2");

        Assert.Equal(1, code);
        Assert.Contains("Not even 2 users held", _output.ToString(), StringComparison.Ordinal);
        Assert.Contains("First to give way: limit (", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task NobodyThere_IsAFailureThatSaysSo()
    {
        Assert.Equal(0, await RunAsync("--reverse", "http://127.0.0.1:1/", "--start", "1", "--max", "1", "--rate", "50", "--stage", "1"));
        Assert.Contains("connection refused", _output.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--reverse", "http://gateway.test/")]
    [InlineData("--reverse", "http://10.0.0.1/", "--allow-remote")]
    [InlineData("--reverse", "http://10.0.0.1/", "--i-operate", "10.0.0.1")]
    [InlineData("--forward", "http://127.0.0.1:1", "--target", "http://example.org/", "--allow-remote", "--i-operate", "example.com")]
    public async Task OtherMachine_MustBeAllowedTwice(params string[] args)
    {
        Assert.Equal(64, await RunAsync(args));
        Assert.Contains("--allow-remote --i-operate", _error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--forward, --socks or --reverse")]
    [InlineData("--target", "--forward", "http://127.0.0.1:1")]
    [InlineData("--rate must be", "--reverse", "http://127.0.0.1:1/", "--rate", "0")]
    [InlineData("twice", "--reverse", "http://127.0.0.1:1/", "--mix", "reverse=1,reverse=2")]
    [InlineData("\"7\"", "--reverse", "http://127.0.0.1:1/", "--mix", "7=1")]
    [InlineData("--socks", "--socks", "http://127.0.0.1:1")]
    [InlineData("--start 5", "--reverse", "http://127.0.0.1:1/", "--start", "5", "--max", "4")]
    public async Task ArgumentsThatMakeNoSense_AreNamed(string expected, params string[] args)
    {
        Assert.Equal(64, await RunAsync(args));
        Assert.Contains(expected, _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task UsersFileWithABadLine_NamesIt()
    {
        var users = FileOf("users.txt", "alice:x\nbob\n");

        Assert.Equal(64, await RunAsync("--reverse", "http://127.0.0.1:1/", "--users", users));
        Assert.Contains("users.txt:2: ", _error.ToString(), StringComparison.Ordinal);
    }

    private string PathOf(string name) => Path.Combine(_directory.Path, name);

    private string FileOf(string name, string text)
    {
        File.WriteAllText(PathOf(name), text);
        return PathOf(name);
    }

    private Task<int> RunAsync(params string[] args)
        => new RootCommand { CapacityCommand.Create() }.Parse(["capacity", .. args])
            .InvokeAsync(new InvocationConfiguration { Output = _output, Error = _error }, TestContext.Current.CancellationToken);
}
