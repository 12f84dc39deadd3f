using PyProxy.Gateway.Configuration;

namespace PyProxy.Gateway.Tests.Configuration;

public sealed class SharedStateReloadTests : IDisposable
{
    private readonly ConfigurationDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task ChangeOfSharedState_WaitsForARestart()
    {
        _directory.Write("""{ "Gateway": { "SharedState": { "Redis": "one:6379" } } }""");
        var loader = ConfigurationLoader.Create(new ConfigurationFile(_directory.File), ConfigurationOverrides.None, Program.AddFeatures);
        var configuration = new GatewayConfiguration(loader, await loader.LoadAsync(TestContext.Current.CancellationToken));

        _directory.Write("""{ "Gateway": { "SharedState": { "Redis": "two:6379" } } }""");
        var waiting = configuration.Apply(await loader.LoadAsync(TestContext.Current.CancellationToken));

        Assert.Equal("$.Gateway.SharedState.Redis", Assert.Single(waiting));
        Assert.Equal("one:6379", new ConfigurationBuilder().Add(configuration.Snapshot).Build()["Gateway:SharedState:Redis"]);
    }
}
