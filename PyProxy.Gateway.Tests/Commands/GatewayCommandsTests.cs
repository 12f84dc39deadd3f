using System.CommandLine;
using PyProxy.Gateway.Commands;
using PyProxy.Gateway.Tests.Configuration;

namespace PyProxy.Gateway.Tests.Commands;

public sealed class GatewayCommandsTests : IDisposable
{
    private readonly ConfigurationDirectory _directory = new();
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();
    private int _runs;

    public void Dispose()
    {
        _directory.Dispose();
        _output.Dispose();
        _error.Dispose();
    }

    [Fact]
    public async Task BadConfiguration_EndsWith78AndRunsNothing()
    {
        _directory.Write("{\n\"Gateway\": { \"Nonsense\": 1 } }");

        Assert.Equal(78, await RunAsync("--config", _directory.File));
        Assert.Equal(0, _runs);
        Assert.Contains(":2: $.Gateway.Nonsense: ", _error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task GoodConfiguration_Runs()
    {
        _directory.Write("{}");

        Assert.Equal(0, await RunAsync("--config", _directory.File, "--Gateway:DataDirectory=/tmp"));
        Assert.Equal(1, _runs);
    }

    [Fact]
    public async Task Check_SaysWhoWouldListenWhere()
    {
        _directory.Write("""{ "Kestrel": { "Endpoints": { "Web": { "Url": "http://*:8080" } } } }""");

        Assert.Equal(0, await RunAsync("check", "--config", _directory.File));
        Assert.Contains("Web (Reverse) on http://*:8080", _output.ToString(), StringComparison.Ordinal);
        Assert.Equal(0, _runs);
    }

    [Fact]
    public async Task CheckOfBadConfiguration_PrintsLinesAndEndsWith78()
    {
        _directory.Write("{\n\"Gateway\": { \"Nonsense\": 1 } }");

        Assert.Equal(78, await RunAsync("check", "--config", _directory.File));
        Assert.Contains("appsettings.json:2: $.Gateway.Nonsense: unknown key", _output.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("chekc")]
    [InlineData("--cofnig", "x")]
    [InlineData("--Gateway:X")]
    [InlineData("origin", "--prot", "9")]
    public async Task CommandLineThatMakesNoSense_EndsWith64(params string[] args)
    {
        Assert.Equal(64, await RunAsync(args));
        Assert.NotEmpty(_error.ToString());
        Assert.Equal(0, _runs);
    }

    private Task<int> RunAsync(params string[] args) => GatewayCommands.RunAsync(
        args,
        new GatewayProgram
        {
            AddFeatures = static (_, _) => { },
            Build = static _ => throw new InvalidOperationException("No command that is tested here builds a gateway."),
            CreateAdminToken = static () => ("token", "hash"),
            RunAsync = (_, _) => Task.FromResult(_runs++ * 0),
        },
        new InvocationConfiguration { Output = _output, Error = _error });
}
