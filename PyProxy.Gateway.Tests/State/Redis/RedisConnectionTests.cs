using PyProxy.Gateway.State.Redis;
using PyProxy.Gateway.Tests.Contracts;

namespace PyProxy.Gateway.Tests.State.Redis;

public sealed class RedisConnectionTests
{
    private static readonly RedisScript Echo = new("return ARGV[1]");

    [Theory]
    [InlineData(GarnetInProcess.Name)]
    [InlineData(DebianRedis.Name)]
    public async Task ReachableServer_RunsScripts(string engine)
    {
        await using var server = await RedisServerUnderTest.StartAsync(engine);
        await using var client = await RedisClient.ConnectAsync(server.Endpoint);

        Assert.True(client.Connection.IsUsable);
        Assert.Equal("hello", (string?)await client.Connection.TryEvaluateAsync(Echo, [], ["hello"]));
    }

    [Fact]
    public async Task NoServer_DoesNotKeepTheGatewayFromStarting()
    {
        await using var client = await RedisClient.ConnectAsync("127.0.0.1:1");

        Assert.False(client.Connection.IsUsable);
        Assert.Null(await client.Connection.TryEvaluateAsync(Echo, [], ["hello"]));
        Assert.StartsWith("redis: Redis is away", Assert.Single(client.Health.Notes), StringComparison.Ordinal);
    }

    [Fact]
    public async Task KilledServer_IsAwayAtOnceAndBackSoonAfterItsReturn()
    {
        await using var server = await DebianRedis.StartAsync();
        await using var client = await RedisClient.ConnectAsync(server.Endpoint);

        await server.KillAsync();
        await client.UsableAsync(false);
        Assert.Null(await client.Connection.TryEvaluateAsync(Echo, [], ["hello"]));

        await server.RestartAsync();
        await client.UsableAsync(true);
        Assert.Equal("hello", (string?)await client.Connection.TryEvaluateAsync(Echo, [], ["hello"]));
        Assert.Equal(3, client.Health.Notes.Count); // there, away, back: told once each
    }

    [Fact]
    public async Task FrozenServer_IsWaitedForOnceAndThenNotAskedUntilItAnswersAgain()
    {
        await using var server = await DebianRedis.StartAsync();
        await using var client = await RedisClient.ConnectAsync(server.Endpoint, timeout: TimeSpan.FromMilliseconds(100));
        await client.UsableAsync(true);

        await server.SignalAsync("STOP");
        Assert.Null(await client.Connection.TryEvaluateAsync(Echo, [], ["hello"]));
        Assert.False(client.Connection.IsUsable);
        var notAsked = client.Connection.TryEvaluateAsync(Echo, [], ["hello"]).AsTask();
        Assert.True(notAsked.IsCompleted);

        await server.SignalAsync("CONT");
        await client.UsableAsync(true);
    }
}
