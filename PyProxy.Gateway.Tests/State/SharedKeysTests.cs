using Microsoft.AspNetCore.DataProtection;
using PyProxy.Gateway.State.Redis;
using PyProxy.Gateway.Tests.Contracts;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.State;

public sealed class SharedKeysTests
{
    [Fact]
    public async Task Session_SurvivesARestart()
    {
        using var directory = new TemporaryDirectory("keys");
        string session;
        await using (var before = Services(directory))
        {
            session = Protector(before).Protect("destination one");
        }

        await using var after = Services(directory);
        Assert.Equal("destination one", Protector(after).Unprotect(session));
    }

    [Theory]
    [InlineData(GarnetInProcess.Name)]
    [InlineData(DebianRedis.Name)]
    public async Task SessionOfOneGateway_IsKnownToAnother(string engine)
    {
        await using var redis = await RedisServerUnderTest.StartAsync(engine);
        var shared = $$""" "SharedState": { "Redis": "{{redis.Endpoint}}", "RedisTimeout": "00:00:05" } """;
        await using var one = await GatewayServer.StartAsync(gateway: shared);
        await using var other = await GatewayServer.StartAsync(gateway: shared);

        var session = Protector(one.Services).Protect("destination one");

        Assert.Equal("destination one", Protector(other.Services).Unprotect(session));
    }

    [Fact]
    public async Task SessionFromBeforeAnOutage_IsKnownWhileRedisIsAway()
    {
        using var directory = new TemporaryDirectory("keys");
        await using var redis = GarnetInProcess.Start();
        await using var one = await GatewayServer.StartAsync(gateway: $$""" "SharedState": { "Redis": "{{redis.Endpoint}}", "RedisTimeout": "00:00:05" } """);
        var session = Protector(one.Services).Protect("destination one");
        await using (var before = Services(directory, redis.Endpoint))
        {
            await before.GetRequiredService<RedisConnection>().StartAsync(TestContext.Current.CancellationToken);
            Assert.Equal("destination one", Protector(before).Unprotect(session));
        }

        await using var after = Services(directory, "127.0.0.1:1");
        Assert.Equal("destination one", Protector(after).Unprotect(session));
    }

    private static IDataProtector Protector(IServiceProvider services)
        => services.GetRequiredService<IDataProtectionProvider>().CreateProtector("session affinity");

    private static ServiceProvider Services(TemporaryDirectory directory, string? redis = null)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Gateway:DataDirectory"] = directory.Path,
            ["Gateway:SharedState:Redis"] = redis,
            ["Gateway:SharedState:RedisTimeout"] = "00:00:05",
        }).Build();
        var services = new ServiceCollection().AddLogging();
        Program.AddFeatures(services, configuration);
        return services
            .AddSingleton<IConfiguration>(configuration)
            .AddSingleton<IHostEnvironment>(new Microsoft.Extensions.Hosting.Internal.HostingEnvironment { ContentRootPath = "/" })
            .BuildServiceProvider();
    }
}
