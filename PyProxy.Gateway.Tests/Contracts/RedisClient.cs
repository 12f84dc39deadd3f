using System.Collections.Concurrent;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using PyProxy.Gateway.State;
using PyProxy.Gateway.State.Redis;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Contracts;

/// <summary>A gateway's connection to Redis without the rest of the gateway.</summary>
internal sealed class RedisClient : IAsyncDisposable
{
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();

    private RedisClient(SharedStateOptions options)
    {
        Connection = new RedisConnection(
            Options.Create(options),
            new RedisMetrics(_services.GetRequiredService<System.Diagnostics.Metrics.IMeterFactory>()),
            Health,
            TimeProvider.System,
            NullLogger<RedisConnection>.Instance);
    }

    public RedisConnection Connection { get; }

    public NotedHealth Health { get; } = new();

    /// <param name="endpoint">Where Redis is.</param>
    /// <param name="timeout">Generous unless slowness is the point: the machine of a test run is busy.</param>
    public static async Task<RedisClient> ConnectAsync(string endpoint, TimeSpan? timeout = null)
    {
        var client = new RedisClient(new SharedStateOptions { Redis = endpoint, RedisTimeout = timeout ?? TimeSpan.FromSeconds(5) });
        await client.Connection.StartAsync(TestContext.Current.CancellationToken);
        return client;
    }

    public async Task UsableAsync(bool expected)
    {
        var deadline = TimeProvider.System.GetTimestamp();
        while (Connection.IsUsable != expected)
        {
            Assert.True(TimeProvider.System.GetElapsedTime(deadline) < RedisServerUnderTest.Patience, $"Usable did not become {expected}.");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Connection.DisposeAsync();
        await _services.DisposeAsync();
    }

    public sealed class NotedHealth : IHealthSignal
    {
        public ConcurrentQueue<string> Notes { get; } = new();

        public void Degrade(string part, string reason) => Notes.Enqueue($"{part}: {reason}");

        public void Restore(string part) => Notes.Enqueue($"{part} restored");
    }
}
