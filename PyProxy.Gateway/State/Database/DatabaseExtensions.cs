using Microsoft.Extensions.DependencyInjection.Extensions;

namespace PyProxy.Gateway.State.Database;

internal static class DatabaseExtensions
{
    /// <summary>The database itself. Every feature that keeps something in it calls this; the first call counts.</summary>
    public static IServiceCollection AddDatabase(this IServiceCollection services)
    {
        services.AddMetrics();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<DatabaseMetrics>();
        services.TryAddSingleton<GatewayDatabase>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, DatabaseMonitor>());
        return services;
    }

    /// <summary>A feature's tables.</summary>
    public static IServiceCollection AddDatabaseMigrations(this IServiceCollection services, MigrationSet migrations)
        => services.AddDatabase().AddSingleton(migrations);

    /// <summary>A feature that says when it needs the database.</summary>
    public static IServiceCollection AddDatabaseConsumer<T>(this IServiceCollection services)
        where T : class, IDatabaseConsumer
        => services.AddDatabase().AddSingleton<IDatabaseConsumer>(static provider => provider.GetRequiredService<T>());
}
