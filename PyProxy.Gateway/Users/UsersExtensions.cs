using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.DependencyInjection.Extensions;
using PyProxy.Gateway.Egress;
using PyProxy.Gateway.Sections;
using PyProxy.Gateway.Traffic;
using PyProxy.Gateway.Users.Guessing;
using PyProxy.Gateway.Users.Passwords;
using PyProxy.Gateway.Users.Policies;
using PyProxy.Gateway.Users.Schemes;
using PyProxy.Gateway.Users.Schemes.ApiKeys;
using PyProxy.Gateway.Users.Schemes.Bearer;
using PyProxy.Gateway.Users.Schemes.Passwords;
using PyProxy.Gateway.Users.Stores;

namespace PyProxy.Gateway.Users;

internal static class UsersExtensions
{
    /// <summary>
    /// Users, the schemes that tell who asks, and authorization whose default policy is: any known user. Tokens of issuers with a URL need
    /// <c>AddEgress</c>.
    /// </summary>
    public static IServiceCollection AddUsers(this IServiceCollection services)
    {
        services.AddGatewaySection<UsersOptions, UsersOptionsValidator>("Gateway:Users");
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<UsersMetrics>();
        services.AddUserStores();
        services.AddSingleton<VerifiedCredentialCache>();
        services.AddSingleton<PasswordThreads>();
        services.AddSingleton<CredentialVerifier>();
        services.AddSingleton<IUserLookup>(provider => provider.GetRequiredService<CredentialVerifier>());
        return services.AddUserSchemes();
    }

    /// <summary>What it takes for routes to name the configuration's policies; all that validating a candidate's routes needs of users.</summary>
    public static IServiceCollection AddUserPolicies(this IServiceCollection services)
    {
        services.AddAuthorization();
        services.Replace(ServiceDescriptor.Singleton<IAuthorizationPolicyProvider, ConfiguredPolicies>());
        return services;
    }

    /// <summary>Who asks. Stands behind routing: endpoints say by which schemes one may answer.</summary>
    public static IApplicationBuilder UseUserAuthentication(this IApplicationBuilder app)
    {
        app.Properties["__AuthenticationMiddlewareSet"] = true; // otherwise WebApplication puts the framework's in front of everything
        return app.UseMiddleware<UserAuthenticationMiddleware>();
    }

    /// <summary>Whether the user may: the framework's authorization behind a fast exit.</summary>
    public static IApplicationBuilder UseUserAuthorization(this IApplicationBuilder app)
    {
        app.Properties["__AuthorizationMiddlewareSet"] = true;
        return app.UseMiddleware<UserAuthorizationMiddleware>();
    }

    private static IServiceCollection AddUserSchemes(this IServiceCollection services)
    {
        services.AddGatewaySection<SchemesOptions, SchemesOptionsValidator>(SchemesOptions.SectionPath);
        services.AddGatewaySection<GuessingOptions, GuessingOptionsValidator>(GuessingOptions.SectionPath);
        services.AddSingleton<IKeySetReader>(static provider => new KeySetReader(
            () => provider.GetRequiredService<EgressHandlers>().CreateHandler(DialPurpose.Configured)));
        services.AddSingleton<SchemesRuntime>();
        services.AddSingleton<GuessingLimiter>();
        services.AddSingleton<Attempts>();
        services.AddSingleton<PasswordLogin>();
        services.AddSingleton<ICredentialVerifier>(static provider => provider.GetRequiredService<PasswordLogin>());
        services.AddSingleton<ApiKeyLogin>();
        services.AddSingleton<Authenticator>();
        services.AddSingleton<UserAuthentication>();
        services.AddSingleton<DemandsOfEndpoints>();
        services.AddSingleton<Challenger>();
        services.AddSingleton<IAuthorizationMiddlewareResultHandler, RefusingAuthorizationResultHandler>();

        // UseUserAuthorization does not leave the mark in HttpContext.Items by which routing finds out that authorization has run: the dictionary
        // would be the largest part of what a request allocates for it.
        services.Configure<RouteOptions>(static options => options.SuppressCheckForUnhandledSecurityMetadata = true);

        services.AddTransient<UserAuthenticationHandler>();
        services.AddAuthentication(static options =>
        {
            options.DefaultScheme = SchemeNames.Any;
            options.AddScheme<UserAuthenticationHandler>(SchemeNames.Any, displayName: null);
            options.AddScheme<UserAuthenticationHandler>(SchemeNames.Socks5, displayName: null);
            foreach (var scheme in SchemeNames.OfUserSchemes)
            {
                options.AddScheme<UserAuthenticationHandler>(scheme, displayName: null);
            }
        });
        return services.AddUserPolicies();
    }
}
