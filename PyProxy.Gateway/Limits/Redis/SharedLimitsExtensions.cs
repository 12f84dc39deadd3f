using Microsoft.Extensions.DependencyInjection.Extensions;
using PyProxy.Gateway.Limits.Memory;
using PyProxy.Gateway.State.Redis;

namespace PyProxy.Gateway.Limits.Redis;

internal static class SharedLimitsExtensions
{
    /// <summary>The engine that counts: Redis where one is configured, memory otherwise.</summary>
    public static IServiceCollection AddSharedLimits(this IServiceCollection services)
    {
        services.AddSingleton<SharedLimitsMetrics>();
        services.AddSingleton<Fleet>();
        services.AddSingleton<WithoutRedis>();
        services.AddSingleton<SharedUse>();
        services.AddSingleton<RedisLimiterEngine>();
        services.TryAddSingleton<ILimiterEngine>(static provider => provider.GetService<RedisConnection>() is { IsConfigured: true }
            ? provider.GetRequiredService<RedisLimiterEngine>()
            : provider.GetRequiredService<MemoryLimiterEngine>());
        return services;
    }
}
