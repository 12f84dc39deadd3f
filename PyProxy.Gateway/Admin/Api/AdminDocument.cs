using Microsoft.OpenApi;

namespace PyProxy.Gateway.Admin.Api;

/// <summary>The OpenAPI document of the admin API, made from the endpoints themselves.</summary>
internal static class AdminDocument
{
    public const string Name = "v1";

    public static void AddAdminDocument(this IServiceCollection services)
        => services.AddOpenApi(Name, static options =>
        {
            options.ShouldInclude = static description
                => description.RelativePath?.StartsWith(AdminApi.Root.AsSpan(1).ToString(), StringComparison.Ordinal) == true;
            options.AddDocumentTransformer(static (document, _, _) =>
            {
                document.Info = new OpenApiInfo
                {
                    Title = "PyProxy.Gateway admin API",
                    Version = "v1",
                    Description = "Only on listeners whose role is Admin. Errors are application/problem+json (RFC 9457).",
                };
                document.Components ??= new OpenApiComponents();
                document.Components.SecuritySchemes ??= new Dictionary<string, IOpenApiSecurityScheme>(StringComparer.Ordinal);
                document.Components.SecuritySchemes["token"] = new OpenApiSecurityScheme
                {
                    Type = SecuritySchemeType.Http,
                    Scheme = "bearer",
                    Description = "A token that `PyProxy.Gateway admin-token` made; its hash stands in Gateway:Admin:Tokens.",
                };
                document.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference("token", document)] = [] }];
                return Task.CompletedTask;
            });
        });
}
