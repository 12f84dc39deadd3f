using System.Diagnostics.Metrics;
using PyProxy.Gateway.Limits;
using PyProxy.Gateway.Limits.Memory;
using PyProxy.Gateway.Limits.Redis;
using PyProxy.Gateway.Tests.Listeners;

namespace PyProxy.Gateway.Tests.Contracts;

public sealed class MemoryLimiterEngineContract : LimiterEngineContract
{
    private readonly MemoryLimiterEngine _engine = new(TimeProvider.System);

    private protected override ValueTask<ILimiterEngine> StartEngineAsync() => new(_engine);

    private protected override ValueTask StopEngineAsync()
    {
        _engine.Dispose();
        return ValueTask.CompletedTask;
    }
}

public sealed class GarnetLimiterEngineContract() : SharedLimiterEngineContract(GarnetInProcess.Name);

public sealed class RedisLimiterEngineContract() : SharedLimiterEngineContract(DebianRedis.Name);

public abstract class SharedLimiterEngineContract(string server) : LimiterEngineContract
{
    private RedisServerUnderTest? _server;
    private SharedLimiter? _limiter;

    private protected override async ValueTask<ILimiterEngine> StartEngineAsync()
    {
        _server = await RedisServerUnderTest.StartAsync(server);
        _limiter = await SharedLimiter.StartAsync(_server.Endpoint);
        return _limiter.Engine;
    }

    private protected override async ValueTask StopEngineAsync()
    {
        if (_limiter is not null)
        {
            await _limiter.DisposeAsync();
        }

        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }
}

/// <summary>One gateway's engine on Redis, with nothing around it.</summary>
internal sealed class SharedLimiter : IAsyncDisposable
{
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly MemoryLimiterEngine _memory = new(TimeProvider.System);

    private SharedLimiter(RedisClient client, LimitsOptions options, TimeSpan heldLife)
    {
        Client = client;
        Fleet = new Fleet(client.Connection);
        Engine = new RedisLimiterEngine(
            client.Connection,
            new WithoutRedis(_memory, Fleet, new StaticOptions<LimitsOptions>(options)),
            Fleet,
            new SharedLimitsMetrics(_services.GetRequiredService<IMeterFactory>()),
            TimeProvider.System,
            heldLife);
    }

    public RedisClient Client { get; }

    public Fleet Fleet { get; }

    public RedisLimiterEngine Engine { get; }

    public static async Task<SharedLimiter> StartAsync(string endpoint, LimitsOptions? options = null, TimeSpan? timeout = null, TimeSpan? heldLife = null)
        => new(await RedisClient.ConnectAsync(endpoint, timeout), options ?? new LimitsOptions(), heldLife ?? TimeSpan.FromSeconds(30));

    public async ValueTask DisposeAsync()
    {
        await Engine.DisposeAsync();
        await Client.DisposeAsync();
        _memory.Dispose();
        await _services.DisposeAsync();
    }
}
