using System.Net.Sockets;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Time.Testing;
using Polly;
using Polly.Registry;
using Polly.Timeout;
using PyProxy.Gateway.Resilience;
using PyProxy.Gateway.Sections;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Resilience;

public sealed class ConnectPipelineTests : IAsyncDisposable
{
    private const string Path = "Gateway:Resilience:Connect";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly FakeTimeProvider _time = new();
    private readonly IConfigurationRoot _configuration;
    private readonly ServiceProvider _services;

    public ConnectPipelineTests()
    {
        _configuration = new ConfigurationBuilder().AddInMemoryCollection([new($"{Path}:Delay", "0")]).Build();
        _services = new ServiceCollection()
            .AddSingleton<IConfiguration>(_configuration)
            .AddSingleton<TimeProvider>(_time)
            .AddLogging()
            .AddResilience()
            .BuildServiceProvider();
    }

    private ResiliencePipeline Pipeline => _services.GetRequiredService<ResiliencePipelineProvider<string>>().GetPipeline(PipelineNames.Connect);

    [Theory]
    [InlineData(SocketError.ConnectionRefused, 2)]
    [InlineData(SocketError.TimedOut, 2)]
    [InlineData(SocketError.NetworkUnreachable, 2)]
    [InlineData(SocketError.HostUnreachable, 2)]
    [InlineData(SocketError.TryAgain, 2)]
    [InlineData(SocketError.HostNotFound, 1)]
    [InlineData(SocketError.NoData, 1)]
    [InlineData(SocketError.AddressNotAvailable, 1)]
    [InlineData(SocketError.TooManyOpenSockets, 1)]
    public async Task OnlyWhatMayChange_IsTriedAgain(SocketError error, int tries)
        => Assert.Equal(tries, await CountTriesAsync(new ProxyException(ProxyErrors.ConnectionRefused("x"), new SocketException((int)error))));

    [Fact]
    public async Task ProhibitedDestination_IsNotTriedAgain()
        => Assert.Equal(1, await CountTriesAsync(new ProxyException(ProxyErrors.DestinationProhibited("x", null))));

    [Fact]
    public async Task SilentTry_EndsAfterItsTimeout()
    {
        Configure("MaxRetries", "0");

        var execution = Pipeline.ExecuteAsync(
            static async token => await Task.Delay(Timeout.Infinite, token), TestContext.Current.CancellationToken).AsTask();
        _time.Advance(TimeSpan.FromSeconds(5));

        await Assert.ThrowsAsync<TimeoutRejectedException>(() => execution.WaitAsync(Patience, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task ChangedConfiguration_HoldsForTheNextExecution()
    {
        Assert.Equal(2, await CountTriesAsync(Refused()));

        Configure("MaxRetries", "3");

        Assert.Equal(4, await CountTriesAsync(Refused()));
    }

    [Fact]
    public async Task Retry_ShowsOnPollysMeter()
    {
        using var events = new MetricCollector<int>(null, "Polly", "resilience.polly.strategy.events");

        await CountTriesAsync(Refused());

        Assert.Contains(
            events.GetMeasurementSnapshot(),
            m => (string?)m.Tags["pipeline.name"] == PipelineNames.Connect && (string?)m.Tags["event.name"] == "OnRetry");
    }

    [Fact]
    public async Task EveryMistake_IsReportedByItsPath()
    {
        Configure("Timeout", "00:00:00");
        Configure("MaxRetries", "11");
        Configure("Delay", "00:02:00");
        Configure("MaxDelay", "00:00:01");
        var errors = new ConfigurationErrors();

        await new ConfigurationSection<ResilienceOptions, ResilienceOptionsValidator>(ResilienceOptions.SectionPath)
            .ValidateAsync(_configuration, errors);

        Assert.Equal(
            [$"{Path}:Delay", $"{Path}:MaxDelay", $"{Path}:MaxRetries", $"{Path}:Timeout"],
            errors.All.Select(e => e.Path).Order(StringComparer.Ordinal),
            StringComparer.Ordinal);
    }

    public ValueTask DisposeAsync() => _time.DisposeAsync(_services);

    private static ProxyException Refused()
        => new(ProxyErrors.ConnectionRefused("x"), new SocketException((int)SocketError.ConnectionRefused));

    private void Configure(string key, string value)
    {
        _configuration[$"{Path}:{key}"] = value;
        _configuration.Reload();
    }

    private async Task<int> CountTriesAsync(Exception failure)
    {
        var tries = 0;
        var execution = Pipeline.ExecuteAsync(
            _ =>
            {
                tries++;
                return ValueTask.FromException(failure);
            },
            TestContext.Current.CancellationToken).AsTask();
        await Assert.ThrowsAsync(failure.GetType(), () => execution.WaitAsync(Patience, TestContext.Current.CancellationToken));
        return tries;
    }
}
