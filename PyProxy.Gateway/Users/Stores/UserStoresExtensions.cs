namespace PyProxy.Gateway.Users.Stores;

internal static class UserStoresExtensions
{
    /// <summary>Every store there is; which are asked, and in which order, says <c>Gateway:Users:Stores</c>.</summary>
    public static IServiceCollection AddUserStores(this IServiceCollection services)
    {
        services.AddSingleton<UserChanges>();
        services.AddSingleton<UserStores>();
        services.AddSingleton<IUserStore, ConfigurationUserStore>();
        return services;
    }
}
