using PyProxy.Gateway.Limits;
using PyProxy.Gateway.Limits.Redis;
using PyProxy.Gateway.Tests.Contracts;

namespace PyProxy.Gateway.Tests.Limits.Redis;

/// <summary>The bounds that docs/shared-limits.md states, with three gateways under load.</summary>
public sealed class SharedLimitsTests
{
    [Theory]
    [InlineData(GarnetInProcess.Name)]
    [InlineData(DebianRedis.Name)]
    public async Task ThreeGatewaysUnderLoad_StayWithinTheBoundOfATokenBucket(string engine)
    {
        const int Rate = 1000, Burst = 500, Ahead = Burst / SharedGroup.AheadShare;
        await using var server = await RedisServerUnderTest.StartAsync(engine);
        await using var gateways = await ThreeGateways.StartAsync(server, new() { Rates = [$"{Rate}/s burst {Burst}"] });

        var (allowed, stalled) = await gateways.HammerAsync(TimeSpan.FromSeconds(2));

        // In every stretch of time: the burst, what came back meanwhile, and what three gateways had in advance. A millisecond is between
        // Redis' decision and the note of it here, and a request or two of each client may have been under way.
        var worst = double.MinValue;
        for (var (first, last) = (0, 0); last < allowed.Count; last++)
        {
            while (allowed[last] - allowed[first] > TimeSpan.FromSeconds(0.5))
            {
                first++;
            }

            worst = Math.Max(worst, last - first + 1 - Burst - (Rate * (allowed[last] - allowed[first]).TotalSeconds));
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{allowed.Count} allowed, beyond the limit at worst {worst:F1}, bound {3 * Ahead}");
        Assert.True(worst <= (3 * Ahead) + 24, $"{worst} beyond the limit, the bound is {3 * Ahead}");
        Assert.True(allowed.Count >= 0.9 * (Burst + (Rate * (allowed[^1] - stalled).TotalSeconds)), $"only {allowed.Count} were allowed, {stalled} stalled");
    }

    [Theory]
    [InlineData(GarnetInProcess.Name)]
    [InlineData(DebianRedis.Name)]
    public async Task ThreeGatewaysUnderLoad_NeverExceedAFixedWindow(string engine)
    {
        await using var server = await RedisServerUnderTest.StartAsync(engine);
        await using var gateways = await ThreeGateways.StartAsync(server, new() { Rates = ["3000/d fixed-window"] });

        var (allowed, _) = await gateways.HammerAsync(TimeSpan.FromSeconds(1.5));

        Assert.InRange(allowed.Count, 3000 - (3 * 30), 3000); // what one has in advance and does not use is missing to the others
    }

    [Theory]
    [InlineData(GarnetInProcess.Name, 6)]
    [InlineData(DebianRedis.Name, 6)]
    [InlineData(DebianRedis.Name, 600)]
    public async Task Concurrency_IsCountedFleetWide(string engine, int limit)
    {
        await using var server = await RedisServerUnderTest.StartAsync(engine);
        await using var gateways = await ThreeGateways.StartAsync(server, new() { Concurrency = limit });

        var all = await Task.WhenAll(Enumerable.Range(0, 3).Select(gateway => Task.Run(() => gateways.HoldAllAsync(gateway))));
        Assert.Equal(limit, all.Sum(static held => held.Count));

        foreach (var (gateway, held) in all.Index())
        {
            held.ForEach(gateways.Gateways[gateway].Engine.Release);
        }

        await UntilAsync(async () =>
        {
            var again = await gateways.HoldAllAsync(0);
            var count = again.Count;
            again.ForEach(gateways.Gateways[0].Engine.Release);
            return count == limit;
        });
    }

    [Theory]
    [InlineData(GarnetInProcess.Name)]
    [InlineData(DebianRedis.Name)]
    public async Task WhatACrashedGatewayHeld_IsGivenBack(string engine)
    {
        await using var server = await RedisServerUnderTest.StartAsync(engine);
        await using var gateways = await ThreeGateways.StartAsync(server, new() { Concurrency = 4 }, heldLife: TimeSpan.FromSeconds(2));
        var kept = gateways.Attempt();
        Assert.True((await gateways.Gateways[1].Engine.AcquireAsync(kept, TestContext.Current.CancellationToken)).IsAllowed);
        Assert.Equal(3, (await gateways.HoldAllAsync(0)).Count);

        await gateways.Gateways[0].DisposeAsync();
        Assert.Empty(await gateways.HoldAllAsync(2));

        var mine = new List<LimitAttempt>();
        await UntilAsync(async () =>
        {
            mine.AddRange(await gateways.HoldAllAsync(2));
            return mine.Count == 3; // and not four: the living one renews what it holds
        });
        Assert.Empty(await gateways.HoldAllAsync(2));
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (!await condition())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(started) < RedisServerUnderTest.Patience, "It did not come to pass.");
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }
}
