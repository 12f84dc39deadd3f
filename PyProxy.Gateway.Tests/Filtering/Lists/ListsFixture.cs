using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Time.Testing;
using PyProxy.Gateway.Egress;
using PyProxy.Gateway.Filtering.Lists;
using PyProxy.Gateway.Filtering.Matching;
using PyProxy.Gateway.Resilience;

namespace PyProxy.Gateway.Tests.Filtering.Lists;

/// <summary>The product's own registrations over a configuration in memory and a directory of its own; the clock is the test's.</summary>
internal sealed class ListsFixture : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly ServiceProvider _services;
    private readonly IConfigurationRoot _configuration;
    private readonly Settings _settings = new();

    public ListsFixture(TemporaryDirectory directory, params (string Key, string? Value)[] settings)
    {
        Directory = directory;
        _configuration = new ConfigurationBuilder().Add(_settings).Build();
        Set(settings);
        _services = new ServiceCollection()
            .AddSingleton<IConfiguration>(_configuration)
            .AddSingleton<IHostEnvironment>(new Surroundings { ContentRootPath = directory.Path })
            .AddLogging()
            .AddMetrics()
            .AddSingleton<TimeProvider>(Time)
            .AddResilience()
            .AddEgress()
            .AddFilterLists()
            .BuildServiceProvider();
    }

    public TemporaryDirectory Directory { get; }

    public FakeTimeProvider Time { get; } = new();

    public FilterLists Lists => _services.GetRequiredService<FilterLists>();

    public FilterList List => Lists.All.Single(entry => entry.List.Name == "ads").List;

    /// <summary>What a rule that names the list holds.</summary>
    public ListSlot Slot(string name) => Get<ListRegistry>().Slot(name);

    public T Get<T>()
        where T : notnull
        => _services.GetRequiredService<T>();

    public string Path(string name) => System.IO.Path.Combine(Directory.Path, name);

    public Task StartAsync() => Lists.StartAsync(TestContext.Current.CancellationToken);

    public Task<RefreshOutcome?> RefreshAsync() => Lists.RefreshAsync("ads", TestContext.Current.CancellationToken);

    public void Reload(params (string Key, string? Value)[] settings)
    {
        Set(settings);
        _configuration.Reload();
    }

    /// <summary>Lets time pass, step by step, until something has come true.</summary>
    public async Task UntilAsync(Func<bool> condition, TimeSpan step)
    {
        var deadline = Environment.TickCount64 + (long)Patience.TotalMilliseconds;
        while (!condition())
        {
            Assert.True(Environment.TickCount64 < deadline, "It has not come true in time.");
            Time.Advance(step);
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }
    }

    public ValueTask DisposeAsync() => Time.DisposeAsync(_services);

    private void Set((string Key, string? Value)[] settings)
    {
        foreach (var (key, value) in settings)
        {
            _settings.Put("Gateway:Filtering:Lists:" + key, value);
        }
    }

    /// <summary>Settings that can also go: the framework's own provider in memory keeps a key for ever.</summary>
    private sealed class Settings : ConfigurationProvider, IConfigurationSource
    {
        public IConfigurationProvider Build(IConfigurationBuilder builder) => this;

        public void Put(string key, string? value)
        {
            if (value is null)
            {
                Data.Remove(key);
            }
            else
            {
                Data[key] = value;
            }
        }
    }

    private sealed class Surroundings : IHostEnvironment
    {
        public string EnvironmentName { get; set; } = "Test";

        public string ApplicationName { get; set; } = "Test";

        public string ContentRootPath { get; set; } = "";

        public IFileProvider ContentRootFileProvider { get; set; } = new NullFileProvider();
    }
}
