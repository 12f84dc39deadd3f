using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using PyProxy.Gateway.Sections;
using PyProxy.Gateway.State.Database;
using PyProxy.Gateway.State.Redis;

namespace PyProxy.Gateway.State;

internal static class StateExtensions
{
    /// <summary>The engines behind the gateway: Redis and the database.</summary>
    public static IServiceCollection AddSharedState(this IServiceCollection services)
    {
        services.AddGatewaySection<SharedStateOptions, SharedStateOptionsValidator>("Gateway:SharedState");
        services.AddDatabase();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<RedisMetrics>();
        services.AddSingleton<RedisConnection>();
        services.AddHostedService(static provider => provider.GetRequiredService<RedisConnection>());
        services.AddDataProtection().SetApplicationName("PyProxy.Gateway"); // the default, its path, differs between gateways
        services.ConfigureOptions<SharedKeysSetup>();
        return services;
    }
}
