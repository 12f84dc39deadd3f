using System.Text.Json;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using PyProxy.Gateway.Admin.Api;
using PyProxy.Gateway.Explain;

namespace PyProxy.Gateway.Admin.Resources;

/// <summary>What would become of an exchange, and why.</summary>
internal static class ExplainResource
{
    public static void Map(IEndpointRouteBuilder api)
        => api.MapPost("/explain", ExplainAsync)
            .WithTags("Filtering")
            .WithSummary("What would become of a request or a tunnel now: verdict, rules looked at, limits left, way out. Nothing is sent or counted.")
            .WithMetadata(ChangesNothing.Instance)
            .ProducesProblem(StatusCodes.Status400BadRequest);

    private static async Task<Results<Ok<Explanation>, ProblemHttpResult>> ExplainAsync(
        Question question, [FromServices] Explainer explainer, CancellationToken cancellationToken)
    {
        try
        {
            return TypedResults.Ok(await explainer.ExplainAsync(question, cancellationToken));
        }
        catch (QuestionException e)
        {
            return TypedResults.Problem($"{JsonNamingPolicy.CamelCase.ConvertName(e.Member)}: {e.Message}", statusCode: StatusCodes.Status400BadRequest);
        }
    }
}
