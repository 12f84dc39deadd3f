using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.DependencyInjection.Extensions;
using PyProxy.Gateway.Admin.Resources;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Admin.Api;

/// <summary>
/// The admin API: one file per resource in <c>Admin/Resources</c>, each with a <c>Map</c> that is called here. Whoever adds one gets
/// authentication, roles by method, the audit log and the OpenAPI document with it.
/// </summary>
internal static class AdminApi
{
    public const string Root = "/api/v1";
    public const string Document = $"{Root}/openapi.json";

    public static void AddAdminApi(this IServiceCollection services)
    {
        services.AddGatewaySection<AdminOptions, AdminOptionsValidator>(AdminOptions.Path);
        services.TryAddSingleton<DataDirectory>();
        services.AddSingleton<AdminTokens>();
        services.AddSingleton<AdminMetrics>();
        services.AddSingleton<AuditLog>();
        services.AddSingleton<RefusedAttempts>();
        services.AddAuthorization();
        services.AddSingleton<IAuthorizationHandler, AdminRequirementHandler>();
        services.AddAuthentication().AddScheme<AuthenticationSchemeOptions, AdminAuthenticationHandler>(AdminAuthenticationHandler.SchemeName, null);
        services.ConfigureHttpJsonOptions(static json => AdminJson.Configure(json.SerializerOptions));
        services.Configure<RouteHandlerOptions>(static routes => routes.ThrowOnBadRequest = true); // so that the answer says what was wrong
        services.AddAdminDocument();
        services.AddSingleton<Uptime>();
        services.AddSingleton<UserKeeping>();
        services.AddSingleton<UserPlans>();
    }

    public static void MapAdminApi(this IEndpointRouteBuilder endpoints)
    {
        var api = endpoints.MapGroup(Root);
        api.RequireAuthorization(AdminRequirement.Policy);
        api.AddEndpointFilter<RouteGroupBuilder, AuditFilter>();
        api.MapOpenApi("/openapi.json").ExcludeFromDescription();

        StatusResource.Map(api);
        ConfigurationResource.Map(api);
        ConnectionsResource.Map(api);
        DestinationsResource.Map(api);
        UpstreamsResource.Map(api);
        DrainResource.Map(api);
        UsersResource.Map(api);
        LimitsResource.Map(api);
        RulesResource.Map(api);
        ListsResource.Map(api);
        ExplainResource.Map(api);
    }

    /// <summary>The answer for a name that means nothing here.</summary>
    public static ProblemHttpResult NotFound(string detail) => TypedResults.Problem(detail, statusCode: StatusCodes.Status404NotFound);

    /// <summary>The answer where the request is well-formed and cannot be done, with what stands in the way.</summary>
    public static ProblemHttpResult Conflict(string detail, IDictionary<string, object?>? more = null)
        => TypedResults.Problem(detail, statusCode: StatusCodes.Status409Conflict, extensions: more);
}
