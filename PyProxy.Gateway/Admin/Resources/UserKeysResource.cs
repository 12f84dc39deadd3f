using Microsoft.AspNetCore.Mvc;
using PyProxy.Gateway.Admin.Api;
using PyProxy.Gateway.Users.Passwords;

namespace PyProxy.Gateway.Admin.Resources;

/// <summary>A user's API keys: making and revoking them.</summary>
internal static class UserKeysResource
{
    private const int MaxLabel = 128;

    public static void Map(IEndpointRouteBuilder users)
    {
        users.MapPost("/{name}/keys", AddAsync).WithSummary("Makes an API key for a user of the database; the answer is the only time that it can be seen.")
            .ProducesProblem(StatusCodes.Status404NotFound);
        users.MapDelete("/{name}/keys/{id}", RemoveAsync).WithSummary("Revokes an API key, on every gateway at once.")
            .ProducesProblem(StatusCodes.Status404NotFound);
    }

    private static async Task<IResult> AddAsync(string name, NewKey body, [FromServices] UserKeeping keeping, AuditedChange change, HttpContext context)
    {
        if (keeping.DatabaseObstacle() is { } obstacle)
        {
            return obstacle;
        }

        if (body.Label.Length > MaxLabel)
        {
            return TypedResults.Problem($"label: must not be longer than {MaxLabel} characters.", statusCode: StatusCodes.Status400BadRequest);
        }

        if (await keeping.Records.FindAsync(name, context.RequestAborted) is null)
        {
            return UserKeeping.NotInDatabase();
        }

        var (id, key) = GeneratedCredential.NewApiKey();
        await keeping.Records.AddApiKeyAsync(name, id, KeyedHash.CreateGenerated(key), body.Label, context.RequestAborted);
        change.After = new { Id = id, body.Label };
        context.Response.Headers.CacheControl = "no-store";
        return TypedResults.Ok(new MadeKey(id, body.Label, key));
    }

    private static async Task<IResult> RemoveAsync(string name, string id, [FromServices] UserKeeping keeping, AuditedChange change, CancellationToken cancellationToken)
    {
        if (keeping.DatabaseObstacle() is { } obstacle)
        {
            return obstacle;
        }

        change.Before = new { Id = id };
        return await keeping.Records.RemoveApiKeyAsync(name, id, cancellationToken)
            ? TypedResults.NoContent()
            : AdminApi.NotFound("The user has no API key with this id.");
    }

    /// <param name="Label">What it is for, at most 128 characters.</param>
    internal sealed record NewKey(string Label = "");

    /// <param name="Id">Its public half, by which it is listed and revoked.</param>
    /// <param name="Label">What it is for.</param>
    /// <param name="Key">All of it, the only time that it can be seen.</param>
    internal sealed record MadeKey(string Id, string Label, string Key);
}
