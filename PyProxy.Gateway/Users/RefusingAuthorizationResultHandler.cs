using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;
using PyProxy.Gateway.Http;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Users;

/// <summary>
/// Gives a refused authorization the body of every other refusal. It stands where all schemes' challenges pass, so none needs to know of it.
/// </summary>
internal sealed class RefusingAuthorizationResultHandler(RefusalWriter refusals) : IAuthorizationMiddlewareResultHandler
{
    private static readonly AuthorizationMiddlewareResultHandler Framework = new();

    public async Task HandleAsync(RequestDelegate next, HttpContext context, AuthorizationPolicy policy, PolicyAuthorizationResult authorizeResult)
    {
        await Framework.HandleAsync(next, context, policy, authorizeResult);
        if (authorizeResult.Succeeded || context.Response.HasStarted)
        {
            return;
        }

        // Other statuses are a scheme's own way of asking, such as a redirect to a login page.
        var status = context.Response.StatusCode;
        if (status is StatusCodes.Status401Unauthorized or StatusCodes.Status407ProxyAuthenticationRequired)
        {
            await refusals.WriteAsync(context, ProxyErrors.AuthenticationRequired(status));
        }
        else if (status == StatusCodes.Status403Forbidden)
        {
            await refusals.WriteAsync(context, authorizeResult.Forbidden ? NotAllowed(context, authorizeResult) : ProxyErrors.NotRecognized);
        }
    }

    private static ProxyError NotAllowed(HttpContext context, PolicyAuthorizationResult result) => ProxyErrors.NotAllowed(
        result.AuthorizationFailure?.FailureReasons.FirstOrDefault()?.Message ?? "The user is known, but not allowed to do this.",
        decidedBy: context.GetEndpoint()?.Metadata.GetMetadata<IAuthorizeData>()?.Policy ?? "authorization");
}
