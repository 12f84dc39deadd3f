using System.Net;
using PyProxy.Gateway.Limits;
using PyProxy.Gateway.Limits.Plans;
using PyProxy.Gateway.Tests.Contracts;
using PyProxy.Gateway.Tests.Listeners;
using StackExchange.Redis;

namespace PyProxy.Gateway.Tests.Limits.Redis;

/// <summary>A Redis Cluster refuses scripts whose keys lie in several slots. One node has that rule as well as many.</summary>
public sealed class RedisClusterTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new("redis-cluster");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task LimitsOfSeveralKeys_AreDecidedInTheirSlots_AndEveryKeyExpires()
    {
        await using var redis = await DebianRedis.StartAsync(
            "--cluster-enabled", "yes", "--cluster-announce-ip", "127.0.0.1", "--cluster-config-file", Path.Combine(_directory.Path, "nodes.conf"));
        await using var operating = await ConnectionMultiplexer.ConnectAsync(redis.Endpoint + ",allowAdmin=true");
        var server = operating.GetServers()[0];
        await server.ExecuteAsync("CLUSTER", "ADDSLOTSRANGE", 0, 16383);
        var since = TimeProvider.System.GetTimestamp();
        while (!((string)(await server.ExecuteAsync("CLUSTER", "INFO"))!).Contains("cluster_state:ok", StringComparison.Ordinal))
        {
            Assert.True(TimeProvider.System.GetElapsedTime(since) < RedisServerUnderTest.Patience, "The cluster did not come up.");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        await using var limiter = await SharedLimiter.StartAsync(redis.Endpoint);
        await limiter.Client.UsableAsync(true);
        Assert.True(limiter.Client.Connection.IsCluster);
        using var plans = new PlanDirectory(new StaticOptions<PlansOptions>(new PlansOptions
        {
            ["standard"] = new()
            {
                Rates = ["3/h", "9/h sliding-window per address", "9/d fixed-window per user+host", "9/h per route", "9/h per everyone"],
                Concurrency = 9,
            },
        }));

        var answers = new List<bool>();
        for (var i = 0; i < 4; i++)
        {
            var attempt = new LimitAttempt { Subject = new LimitSubject("alice", LimitSubject.NetworkOf(IPAddress.Loopback), "route", "origin.example") };
            attempt.Add(plans.Find("standard")!);
            answers.Add((await limiter.Engine.AcquireAsync(attempt, TestContext.Current.CancellationToken)).IsAllowed);
        }

        Assert.Equal([true, true, true, false], answers);
        Assert.True(limiter.Client.Connection.IsUsable);
        var names = new List<string>();
        await foreach (var key in server.KeysAsync())
        {
            names.Add(key.ToString());
            Assert.NotNull(await operating.GetDatabase().KeyTimeToLiveAsync(key));
        }

        Assert.Contains("pyproxy:rates:{u5:alice}:standard:user", names);
        Assert.Contains("pyproxy:held:{u5:alice}:standard:user", names);
        Assert.True(names.Count >= 6, string.Join(' ', names)); // five keys of rates, one of what is held
    }
}
