using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using PyProxy.Gateway.Admin.Api;
using PyProxy.Gateway.Configuration;

namespace PyProxy.Gateway.Admin.Resources;

/// <summary>The configuration in force, what was wrong with the latest attempt to replace it, and another attempt.</summary>
internal static class ConfigurationResource
{
    private static readonly string[] Sections = ["Kestrel", "ReverseProxy", "Gateway", "Logging"];

    public static void Map(IEndpointRouteBuilder api)
    {
        var configuration = api.MapGroup("/configuration").WithTags("Configuration");
        configuration.MapGet("", static ([FromServices] ConfigurationStatus status) => status.Current)
            .WithSummary("Where the configuration in force comes from, and the errors of the last reload.");
        configuration.MapGet("/settings", Settings).WithSummary("The settings in force, overrides applied and secrets masked.");
        configuration.MapPost("/reload", ReloadAsync)
            .WithSummary("Reads the file again now; a bad one is refused with all its errors.")
            .ProducesProblem(StatusCodes.Status409Conflict);
    }

    /// <summary>Only the product's own sections: the process's environment stands beside them and is nobody's business here.</summary>
    private static JsonObject Settings([FromServices] IConfiguration configuration)
    {
        var settings = new JsonObject();
        foreach (var name in Sections)
        {
            if (SecretRedaction.Section(configuration.GetSection(name)) is { } section)
            {
                settings[name] = section;
            }
        }

        return settings;
    }

    private static async Task<Results<Ok<ConfigurationState>, ProblemHttpResult>> ReloadAsync(
        [FromServices] ConfigurationReloader reloader, [FromServices] ConfigurationStatus status, AuditedChange change, CancellationToken cancellationToken)
    {
        change.Before = new { status.Current.Generation };
        await reloader.ReloadAsync(cancellationToken);
        var current = status.Current;
        change.After = new { current.Generation, current.NeedsRestart, Problems = current.Problems.Count };
        return current.Problems.Count == 0
            ? TypedResults.Ok(current)
            : AdminApi.Conflict(
                "The configuration has errors; what was in force stays in force.",
                new Dictionary<string, object?>(StringComparer.Ordinal) { ["problems"] = current.Problems });
    }
}
