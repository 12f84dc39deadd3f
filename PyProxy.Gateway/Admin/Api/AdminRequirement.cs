using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Options;

namespace PyProxy.Gateway.Admin.Api;

/// <summary>Metadata of an endpoint that changes nothing although its method is not a safe one, such as a question with a body.</summary>
internal sealed class ChangesNothing
{
    public static ChangesNothing Instance { get; } = new();
}

/// <summary>
/// What every call of the admin API has to satisfy: to have been meant (neither rebound nor forged by a web page), and a role that fits its
/// method. By method, so that no resource can forget to ask for the right one.
/// </summary>
internal sealed class AdminRequirement : IAuthorizationRequirement
{
    public static AuthorizationPolicy Policy { get; } = new AuthorizationPolicyBuilder(AdminAuthenticationHandler.SchemeName)
        .AddRequirements(new AdminRequirement())
        .Build();
}

internal sealed class AdminRequirementHandler(IOptionsMonitor<AdminOptions> options, RefusedAttempts refused) : AuthorizationHandler<AdminRequirement>
{
    protected override async Task HandleRequirementAsync(AuthorizationHandlerContext context, AdminRequirement requirement)
    {
        var http = context.Resource as HttpContext;
        var reason = http is null ? null : Refusal(http, context.User);
        if (reason is null && context.User.IsInRole(AdminClaims.Read))
        {
            context.Succeed(requirement);
            return;
        }

        if (reason is not null)
        {
            context.Fail(new AuthorizationFailureReason(this, reason));
        }

        if (http is not null)
        {
            await refused.RecordAsync(http, isKnown: context.User.Identity is { IsAuthenticated: true }, reason);
        }
    }

    private string? Refusal(HttpContext http, System.Security.Claims.ClaimsPrincipal user)
    {
        if (!BrowserDefence.IsHostKnown(http.Request.Host.Host, options.CurrentValue.Hosts))
        {
            return "The admin API is not known by this name; Gateway:Admin:Hosts would allow it.";
        }

        if (!BrowserDefence.IsOriginOwn(http.Request))
        {
            return "Web pages of other origins may not call the admin API.";
        }

        var changes = !HttpMethods.IsGet(http.Request.Method) && !HttpMethods.IsHead(http.Request.Method)
            && http.GetEndpoint()?.Metadata.GetMetadata<ChangesNothing>() is null;
        return changes && user.IsInRole(AdminClaims.Read) && !user.IsInRole(AdminClaims.Write) ? "This token may look, not change." : null;
    }
}
