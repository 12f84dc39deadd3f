using System.Diagnostics.Metrics;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Primitives;
using Microsoft.Extensions.Time.Testing;
using PyProxy.Gateway.Configuration;

namespace PyProxy.Gateway.Tests.Configuration;

public sealed class ConfigurationReloaderTests : IDisposable
{
    private readonly ConfigurationDirectory _directory = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();

    private readonly FakeTimeProvider _time = new();

    public void Dispose()
    {
        _services.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task GoodEdit_IsAppliedWithOneToken()
    {
        var running = await StartAsync(Sample("1"));
        var tokens = 0;
        using var registration = ChangeToken.OnChange(running.Root.GetReloadToken, () => tokens++);

        _directory.Write(Sample("22"));
        await PollAsync(running);

        Assert.Equal(("22", 1, 2), (running.Root["Gateway:Sample:Count"], tokens, running.Status.Current.Generation));
    }

    [Fact]
    public async Task BadEdit_KeepsTheLastGoodOneAndSaysSo()
    {
        var running = await StartAsync(Sample("1"));
        using var reloads = new MetricCollector<long>(_services.GetRequiredService<IMeterFactory>(), "PyProxy.Gateway", "pyproxy.configuration.reloads");

        _directory.Write(Sample("\"many\""));
        await PollAsync(running);

        Assert.Equal(("1", 1), (running.Root["Gateway:Sample:Count"], running.Status.Current.Generation));
        Assert.Equal("$.Gateway.Sample.Count", Assert.Single(running.Status.Current.Problems).JsonPath);
        Assert.Equal("rejected", Assert.Single(reloads.GetMeasurementSnapshot()).Tags["outcome"]);
        Assert.Contains(running.Log.Collector.GetSnapshot(), r => r.Message.Contains(":1: $.Gateway.Sample.Count", StringComparison.Ordinal));
    }

    [Fact]
    public async Task BadEditMended_IsApplied()
    {
        var running = await StartAsync(Sample("1"));
        _directory.Write("{");
        await PollAsync(running);

        _directory.Write(Sample("333"));
        await PollAsync(running);

        Assert.Equal("333", running.Root["Gateway:Sample:Count"]);
        Assert.Empty(running.Status.Current.Problems);
    }

    [Fact]
    public async Task FileGone_KeepsTheLastGoodOne()
    {
        var running = await StartAsync(Sample("1"));

        File.Delete(_directory.File);
        await PollAsync(running);

        Assert.Equal("1", running.Root["Gateway:Sample:Count"]);
        Assert.Contains("cannot be read", Assert.Single(running.Status.Current.Problems).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task AtomicRename_IsSeen()
    {
        var running = await StartAsync(Sample("1"));
        var next = _directory.File + ".new";
        await File.WriteAllTextAsync(next, Sample("2"), TestContext.Current.CancellationToken);

        File.Move(next, _directory.File, overwrite: true);
        await PollAsync(running);

        Assert.Equal("2", running.Root["Gateway:Sample:Count"]);
    }

    [Fact]
    public async Task ConfigMapSwap_IsSeen()
    {
        var data = Path.Combine(_directory.Root, "..data");
        ProjectVolume("..2024", "1");
        Directory.CreateSymbolicLink(data, "..2024");
        File.CreateSymbolicLink(_directory.File, Path.Combine("..data", "appsettings.json"));
        var running = await StartAsync(json: null);

        ProjectVolume("..2025", "2");
        Directory.Delete(data);
        Directory.CreateSymbolicLink(data, "..2025");
        await PollAsync(running);

        Assert.Equal("2", running.Root["Gateway:Sample:Count"]);
    }

    [Fact]
    public async Task ChangeOfAnEndpoint_WaitsForARestartWhileTheRestIsApplied()
    {
        var running = await StartAsync("""{ "Kestrel": { "Endpoints": { "A": { "Url": "http://*:1" } } }, "x": "old" }""");

        _directory.Write("""{ "Kestrel": { "Endpoints": { "A": { "Url": "http://*:2" } } }, "x": "newer" }""");
        await PollAsync(running);

        Assert.Equal(("http://*:1", "newer"), (running.Root["Kestrel:Endpoints:A:Url"], running.Root["x"]));
        Assert.Equal("$.Kestrel.Endpoints.A.Url", Assert.Single(running.Status.Current.NeedsRestart));
    }

    [Fact]
    public async Task UntouchedFile_IsNotReloaded()
    {
        var running = await StartAsync(Sample("1"));

        await PollAsync(running);

        Assert.Equal(1, running.Status.Current.Generation);
    }

    private static string Sample(string count) => $$"""{ "Gateway": { "Sample": { "Count": {{count}} } } }""";

    private void ProjectVolume(string name, string count)
    {
        var directory = Directory.CreateDirectory(Path.Combine(_directory.Root, name)).FullName;
        File.WriteAllText(Path.Combine(directory, "appsettings.json"), Sample(count));
    }

    private async Task<Running> StartAsync(string? json)
    {
        if (json is not null)
        {
            _directory.Write(json);
        }

        var loader = _directory.Loader();
        var configuration = new GatewayConfiguration(loader, await loader.LoadAsync(TestContext.Current.CancellationToken));
        var status = new ConfigurationStatus("test", _time);
        var log = new FakeLogger<ConfigurationReloader>();
        var metrics = new ConfigurationMetrics(_services.GetRequiredService<IMeterFactory>(), status);
        return new Running(
            new ConfigurationReloader(configuration, status, metrics, _time, log),
            new ConfigurationBuilder().Add(configuration.Snapshot).Build(),
            status,
            log);
    }

    private async Task PollAsync(Running running)
    {
        var poll = running.Reloader.PollAsync(TestContext.Current.CancellationToken);
        while (!poll.IsCompleted)
        {
            _time.Advance(ConfigurationReloader.Settling);
            await Task.Yield();
        }

        await poll;
    }

    private sealed record Running(
        ConfigurationReloader Reloader, IConfigurationRoot Root, ConfigurationStatus Status, FakeLogger<ConfigurationReloader> Log);
}
