using PyProxy.Gateway.Limits;
using PyProxy.Gateway.Limits.Redis;
using PyProxy.Gateway.Tests.Contracts;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Limits.Redis;

/// <summary>Redis goes away under load and comes back. What is written to the test's output is the record in docs/shared-limits.md.</summary>
public sealed class RedisOutageTests
{
    private const int Rate = 300;

    [Theory]
    [InlineData(nameof(RedisAwayMode.Local), 3 * (Rate / 3))]
    [InlineData(nameof(RedisAwayMode.Open), int.MaxValue)]
    [InlineData(nameof(RedisAwayMode.Closed), 0)]
    public async Task KilledRedis_IsDoneWithoutAtOnceAsConfiguredAndSharedAgainOnItsReturn(string mode, int allowedBurst)
    {
        await using var redis = await DebianRedis.StartAsync();
        await using var gateways = await ThreeGateways.StartAsync(
            redis, new() { Rates = [$"{Rate}/h"] }, new LimitsOptions { RedisAway = Enum.Parse<RedisAwayMode>(mode) });
        Assert.All(gateways.Gateways, static gateway => Assert.Equal(3, gateway.Fleet.Size));
        Assert.True(await gateways.AskAsync(0));

        // 1. Away: decided at once, by each gateway for itself
        await redis.KillAsync();
        foreach (var gateway in gateways.Gateways)
        {
            await gateway.Client.UsableAsync(false);
        }

        var (allowed, slowest) = await AskManyAsync(gateways, 1000);
        Write($"{mode}: away, {allowed} of 1000 allowed, slowest decision {slowest.TotalMilliseconds:F2} ms");
        Assert.Equal(Math.Min(allowedBurst, 1000), allowed, tolerance: 3);

        // 2. Back: one count for all again
        var started = TimeProvider.System.GetTimestamp();
        await redis.RestartAsync();
        foreach (var gateway in gateways.Gateways)
        {
            await gateway.Client.UsableAsync(true);
        }

        Write($"{mode}: shared again {TimeProvider.System.GetElapsedTime(started).TotalMilliseconds:F0} ms after redis-server was started");
        var (sharedAgain, _) = await AskManyAsync(gateways, 1000);
        Assert.InRange(sharedAgain, Rate - (3 * Rate / SharedGroup.AheadShare), Rate + 3);
    }

    [Fact]
    public async Task FrozenRedis_CostsOneTimeoutAndThenNothing()
    {
        await using var redis = await DebianRedis.StartAsync();
        await using var gateways = await ThreeGateways.StartAsync(redis, new() { Rates = ["1000000/s"] }, timeout: TimeSpan.FromMilliseconds(250));
        foreach (var gateway in gateways.Gateways)
        {
            await gateway.Client.UsableAsync(true);
        }

        await redis.SignalAsync("STOP");
        await Task.WhenAll(Enumerable.Range(0, 3).Select(gateways.AskAsync));
        foreach (var gateway in gateways.Gateways)
        {
            await gateway.Client.UsableAsync(false);
        }

        var (allowed, slowest) = await AskManyAsync(gateways, 1000);
        Write($"frozen: {allowed} of 1000 allowed, slowest decision {slowest.TotalMilliseconds:F2} ms");
        Assert.Equal(1000, allowed);
        Assert.True(slowest < TimeSpan.FromMilliseconds(250), $"one took {slowest}"); // none waited for the time-out again

        await redis.SignalAsync("CONT");
        foreach (var gateway in gateways.Gateways)
        {
            await gateway.Client.UsableAsync(true);
        }
    }

    [Fact]
    public async Task WhatIsHeldThroughAnOutage_IsCountedAgainAfterIt()
    {
        await using var redis = await DebianRedis.StartAsync();
        await using var gateways = await ThreeGateways.StartAsync(redis, new() { Concurrency = 6 }, heldLife: TimeSpan.FromSeconds(3));
        Assert.Equal(6, (await gateways.HoldAllAsync(0)).Count);

        await redis.KillAsync();
        await redis.RestartAsync(); // and it has forgotten everything
        foreach (var gateway in gateways.Gateways)
        {
            await gateway.Client.UsableAsync(true);
        }

        // Until the first gateway has renewed what it holds the others know nothing of it: what they give meanwhile is given back here.
        var started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var held = await gateways.HoldAllAsync(1);
            held.ForEach(gateways.Gateways[1].Engine.Release);
            if (held.Count == 0)
            {
                break;
            }

            Assert.True(TimeProvider.System.GetElapsedTime(started) < RedisServerUnderTest.Patience);
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task RedisAway_IsDegradedButReady()
    {
        await using var redis = await DebianRedis.StartAsync();
        await using var gateway = await GatewayServer.StartAsync(gateway: $$""" "SharedState": { "Redis": "{{redis.Endpoint}}", "RedisTimeout": "00:00:05" } """);
        Assert.IsType<RedisLimiterEngine>(gateway.Services.GetRequiredService<ILimiterEngine>());
        using var http = new HttpClient { BaseAddress = gateway.Url("Admin") };
        Assert.Contains("\"ready\"", await http.GetStringAsync("/health/ready", TestContext.Current.CancellationToken), StringComparison.Ordinal);

        await redis.KillAsync();

        var started = TimeProvider.System.GetTimestamp();
        string health;
        do
        {
            Assert.True(TimeProvider.System.GetElapsedTime(started) < RedisServerUnderTest.Patience);
            health = await http.GetStringAsync("/health/ready", TestContext.Current.CancellationToken);
        }
        while (!health.Contains("degraded", StringComparison.Ordinal));
        Assert.Contains("Redis is away", health, StringComparison.Ordinal);
        Assert.Contains(
            "pyproxy_redis_connected{", await http.GetStringAsync("/metrics", TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    private static async Task<(int Allowed, TimeSpan Slowest)> AskManyAsync(ThreeGateways gateways, int count)
    {
        var (allowed, slowest) = (0, TimeSpan.Zero);
        for (var i = 0; i < count; i++)
        {
            var started = TimeProvider.System.GetTimestamp();
            allowed += await gateways.AskAsync(i % 3) ? 1 : 0;
            var took = TimeProvider.System.GetElapsedTime(started);
            slowest = took > slowest ? took : slowest;
        }

        return (allowed, slowest);
    }

    private static void Write(string line) => TestContext.Current.TestOutputHelper?.WriteLine(line);
}
