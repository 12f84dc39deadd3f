using PyProxy.Gateway.State.Database;

namespace PyProxy.Gateway.Users.Stores;

internal static class UserStoresExtensions
{
    /// <summary>Every store there is; which are asked, and in which order, says <c>Gateway:Users:Stores</c>.</summary>
    public static IServiceCollection AddUserStores(this IServiceCollection services)
    {
        services.AddSingleton<UserStoreMetrics>();
        services.AddSingleton<UserChanges>();
        services.AddSingleton<UserStores>();
        services.AddSingleton<UserRecords>();
        services.AddSingleton<UserCatalog>();
        services.AddSingleton<IUserStore, ConfigurationUserStore>();
        services.AddSingleton<HtpasswdUserStore>();
        services.AddSingleton<IUserStore>(static provider => provider.GetRequiredService<HtpasswdUserStore>());
        services.AddHostedService(static provider => provider.GetRequiredService<HtpasswdUserStore>());
        services.AddDatabaseMigrations(UsersMigrations.Create());
        services.AddSingleton<DatabaseUserStore>();
        services.AddSingleton<IUserStore>(static provider => provider.GetRequiredService<DatabaseUserStore>());
        services.AddDatabaseConsumer<DatabaseUserStore>();
        services.AddHostedService<DatabaseUserWatch>();
        return services;
    }
}
