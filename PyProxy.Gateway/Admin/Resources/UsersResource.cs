using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;
using PyProxy.Gateway.Admin.Api;
using PyProxy.Gateway.State.Database;
using PyProxy.Gateway.Users;
using PyProxy.Gateway.Users.Stores;

namespace PyProxy.Gateway.Admin.Resources;

/// <summary>Users: everybody whom the gateway knows, and keeping those of the database. What proves who one is goes in, and out only when it is made.</summary>
internal static class UsersResource
{
    private const int DefaultLimit = 200;
    private const int MaxLimit = 10_000;

    public static void Map(IEndpointRouteBuilder api)
    {
        var users = api.MapGroup("/users").WithTags("Users").AddEndpointFilter(DatabaseAwayAsync);
        users.MapGet("", ListAsync).WithSummary("Everybody whom the gateway knows: the configuration's users, the htpasswd file's, the database's.");
        users.MapGet("/{name}", ShowAsync).WithSummary("One user as the gateway sees it, from the first store that knows the name.")
            .ProducesProblem(StatusCodes.Status404NotFound);
        users.MapPost("", AddAsync).WithSummary("Adds a user to the database.")
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status409Conflict);
        users.MapPatch("/{name}", ChangeAsync).WithSummary("Changes a user of the database; what is not named stays.")
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status404NotFound);
        users.MapDelete("/{name}", RemoveAsync).WithSummary("Removes a user and the user's API keys from the database.")
            .ProducesProblem(StatusCodes.Status404NotFound);
        UserKeysResource.Map(users);
    }

    /// <param name="catalog">Everybody.</param>
    /// <param name="options">Which stores are asked.</param>
    /// <param name="cancellationToken">Of the call.</param>
    /// <param name="after">Where to go on: the member next of the page before.</param>
    /// <param name="limit">At most so many, 1 to 10000; default 200.</param>
    private static async Task<UserPage> ListAsync(
        [FromServices] UserCatalog catalog,
        [FromServices] IOptionsMonitor<UsersOptions> options,
        CancellationToken cancellationToken,
        string? after = null,
        int limit = DefaultLimit)
    {
        limit = Math.Clamp(limit, 1, MaxLimit);
        var (store, name) = after?.Split('/', 2) is [var afterStore, var afterName] ? (afterStore, afterName) : (null, "");
        List<ListedUser> page = [];
        await foreach (var user in catalog.ListAsync(store, name, IsDatabaseAsked(options.CurrentValue), cancellationToken))
        {
            if (page.Count == limit)
            {
                return new UserPage(page, $"{page[^1].Store}/{page[^1].Name}");
            }

            page.Add(user);
        }

        return new UserPage(page, Next: null);
    }

    private static async Task<IResult> ShowAsync(
        string name,
        [FromServices] UserStores stores,
        [FromServices] UserRecords records,
        CancellationToken cancellationToken)
    {
        var (user, store) = await stores.FindAsync(name, cancellationToken);
        if (user is null)
        {
            return AdminApi.NotFound("There is no user of this name.");
        }

        var account = user.Account;
        var listed = new ListedUser(account.Name, store!.Name, user.Disabled, account.Groups, account.Plan, user.Hash?.Kind);
        if (store is not DatabaseUserStore || await records.FindAsync(name, cancellationToken) is not { } record)
        {
            return TypedResults.Ok(new UserDetails(listed, Created: null, Changed: null, Keys: null));
        }

        var keys = await records.ApiKeysAsync(name, cancellationToken);
        return TypedResults.Ok(new UserDetails(listed, record.CreatedAt, record.ChangedAt, keys));
    }

    private static async Task<IResult> AddAsync(NewUser body, [FromServices] UserKeeping keeping, AuditedChange change, HttpContext context)
    {
        if (keeping.Obstacle(body.Name, body.Plan, body.Password, body.Generate) is { } obstacle)
        {
            return obstacle;
        }

        var (hash, generated) = await keeping.CredentialAsync(body.Password, body.Generate, context.RequestAborted);
        var user = new UserRecord { Name = body.Name, PasswordHash = hash, Groups = body.Groups ?? [], Plan = body.Plan is "" ? null : body.Plan, Disabled = body.Disabled };
        if (!await keeping.Records.AddAsync(user, context.RequestAborted))
        {
            return AdminApi.Conflict("There is a user of this name already.");
        }

        var listed = UserCatalog.Describe(user);
        change.After = listed;
        return TypedResults.Created($"{AdminApi.Root}/users/{Uri.EscapeDataString(user.Name)}", Made(context, listed, generated));
    }

    private static async Task<IResult> ChangeAsync(string name, UserUpdate body, [FromServices] UserKeeping keeping, AuditedChange change, HttpContext context)
    {
        if (keeping.Obstacle(name, body.Plan, body.Password, body.Generate) is { } obstacle)
        {
            return obstacle;
        }

        if (await keeping.Records.FindAsync(name, context.RequestAborted) is not { } before)
        {
            return UserKeeping.NotInDatabase();
        }

        var (hash, generated) = await keeping.CredentialAsync(body.Password, body.Generate, context.RequestAborted);
        change.Before = UserCatalog.Describe(before);
        var wanted = new UserChange { PasswordHash = hash, Groups = body.Groups, Plan = body.Plan, Disabled = body.Disabled };
        if (!await keeping.Records.ChangeAsync(name, wanted, context.RequestAborted)
            || await keeping.Records.FindAsync(name, context.RequestAborted) is not { } after)
        {
            return UserKeeping.NotInDatabase();
        }

        var listed = UserCatalog.Describe(after);
        change.After = new { User = listed, CredentialChanged = hash is not null };
        return TypedResults.Ok(Made(context, listed, generated));
    }

    private static async Task<IResult> RemoveAsync(string name, [FromServices] UserKeeping keeping, AuditedChange change, CancellationToken cancellationToken)
    {
        if (keeping.DatabaseObstacle() is { } obstacle)
        {
            return obstacle;
        }

        if (await keeping.Records.FindAsync(name, cancellationToken) is not { } before || !await keeping.Records.RemoveAsync(name, cancellationToken))
        {
            return UserKeeping.NotInDatabase();
        }

        change.Before = UserCatalog.Describe(before);
        return TypedResults.NoContent();
    }

    private static MadeUser Made(HttpContext context, ListedUser user, string? generated)
    {
        context.Response.Headers.CacheControl = "no-store";
        return new MadeUser(user, generated);
    }

    internal static bool IsDatabaseAsked(UsersOptions options) => options.Stores.Contains(DatabaseUserStore.StoreName, StringComparer.OrdinalIgnoreCase);

    private static async ValueTask<object?> DatabaseAwayAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        try
        {
            return await next(context);
        }
        catch (DatabaseUnavailableException)
        {
            return TypedResults.Problem("The database does not answer at the moment.", statusCode: StatusCodes.Status503ServiceUnavailable);
        }
    }

    /// <param name="Users">The users of this page.</param>
    /// <param name="Next">What to ask for with after; none at the end.</param>
    internal sealed record UserPage(IReadOnlyList<ListedUser> Users, string? Next);

    /// <param name="User">Who it is.</param>
    /// <param name="Created">When, for users of the database.</param>
    /// <param name="Changed">When last.</param>
    /// <param name="Keys">The user's API keys, without what is secret of them.</param>
    internal sealed record UserDetails(ListedUser User, DateTimeOffset? Created, DateTimeOffset? Changed, IReadOnlyList<ApiKeyRecord>? Keys);

    /// <param name="User">As it is now.</param>
    /// <param name="Password">The generated password, the only time that it can be seen.</param>
    internal sealed record MadeUser(ListedUser User, string? Password);

    /// <param name="Name">Case-sensitive, 1 to 128 characters, without a colon.</param>
    /// <param name="Password">Hashed before it is kept. Neither this nor generate: no password is right.</param>
    /// <param name="Generate">Make a password of 160 bits and answer with it.</param>
    /// <param name="Groups">The groups that the user belongs to.</param>
    /// <param name="Plan">One of Gateway:Plans.</param>
    /// <param name="Disabled">Whether no credentials are accepted.</param>
    internal sealed record NewUser(
        string Name, string? Password = null, bool Generate = false, IReadOnlyList<string>? Groups = null, string? Plan = null, bool Disabled = false);

    /// <param name="Password">A new one.</param>
    /// <param name="Generate">Make a new password of 160 bits and answer with it.</param>
    /// <param name="Groups">In place of all others.</param>
    /// <param name="Plan">Empty for none.</param>
    /// <param name="Disabled">Whether no credentials are accepted, on every gateway at once.</param>
    internal sealed record UserUpdate(string? Password = null, bool Generate = false, IReadOnlyList<string>? Groups = null, string? Plan = null, bool? Disabled = null);
}
