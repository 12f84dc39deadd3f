using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.DependencyInjection.Extensions;
using PyProxy.Gateway.Sections;
using PyProxy.Gateway.Traffic;
using PyProxy.Gateway.Users.Passwords;
using PyProxy.Gateway.Users.Stores;

namespace PyProxy.Gateway.Users;

internal static class UsersExtensions
{
    /// <summary>Users, the schemes that tell who asks, and authorization whose default policy is: any known user.</summary>
    public static IServiceCollection AddUsers(this IServiceCollection services)
    {
        services.AddGatewaySection<UsersOptions, UsersOptionsValidator>("Gateway:Users");
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<UsersMetrics>();
        services.AddUserStores();
        services.AddSingleton<VerifiedCredentialCache>();
        services.AddSingleton<PasswordThreads>();
        services.AddSingleton<CredentialVerifier>();
        services.AddSingleton<ICredentialVerifier>(static provider => provider.GetRequiredService<CredentialVerifier>());
        services.AddSingleton<IUserLookup>(static provider => provider.GetRequiredService<CredentialVerifier>());
        services.AddSingleton<IAuthorizationMiddlewareResultHandler, RefusingAuthorizationResultHandler>();
        services.AddAuthentication(BasicAuthenticationHandler.SchemeName)
            .AddScheme<AuthenticationSchemeOptions, BasicAuthenticationHandler>(BasicAuthenticationHandler.SchemeName, configureOptions: null);
        services.AddAuthorization();
        return services;
    }
}
