using PyProxy.Gateway.Sections;
using PyProxy.Gateway.State.Database;

namespace PyProxy.Gateway.Limits.Quotas;

internal static class UsageExtensions
{
    /// <summary>The ledger of usage, and the quotas that are judged by it.</summary>
    public static IServiceCollection AddUsage(this IServiceCollection services)
    {
        services.AddGatewaySection<UsageOptions, UsageOptionsValidator>("Gateway:Usage");
        services.AddDatabaseMigrations(UsageTables.Migrations);
        services.AddSingleton<QuotaMetrics>();
        services.AddSingleton<UsageStore>();
        services.AddSingleton<QuotaCounters>();
        services.AddSingleton<UsageLedger>();
        services.AddSingleton<QuotaWatch>();
        services.AddDatabaseConsumer<UsageLedger>();
        services.AddHostedService(static provider => provider.GetRequiredService<UsageLedger>());
        return services;
    }

    /// <summary>Counts what users use.</summary>
    public static IApplicationBuilder UseUsage(this IApplicationBuilder app) => app.UseMiddleware<UsageMiddleware>();

    /// <summary>Refuses who has used up a quota.</summary>
    public static IApplicationBuilder UseQuotas(this IApplicationBuilder app) => app.UseMiddleware<QuotaMiddleware>();
}
