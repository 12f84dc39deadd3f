using Microsoft.AspNetCore.Authorization;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Users.Policies;

/// <summary>
/// Stage 5, second half: whether the user may. A fast exit in front of the framework's middleware for what nearly every request is: allowed, by the
/// default policy or by one of the configuration. Refusals, and whatever else ASP.NET Core has to offer, are the framework's as ever.
/// </summary>
internal sealed class UserAuthorizationMiddleware
{
    private readonly RequestDelegate _next;
    private readonly DemandsOfEndpoints _endpoints;
    private readonly AuthorizationMiddleware _framework;

    public UserAuthorizationMiddleware(
        RequestDelegate next,
        DemandsOfEndpoints endpoints,
        IAuthorizationPolicyProvider policies,
        IServiceProvider services,
        ILogger<AuthorizationMiddleware> logger)
    {
        _next = next;
        _endpoints = endpoints;
        _framework = new AuthorizationMiddleware(next, policies, services, logger);
    }

    public Task InvokeAsync(HttpContext context)
    {
        var demands = _endpoints.Of(context.GetEndpoint());
        var user = Exchange.Of(context).Account;
        return demands.IsSimple && demands.Allows(user) && (user is null || ReferenceEquals(context.User, user.Principal))
            ? _next(context)
            : _framework.Invoke(context);
    }
}
