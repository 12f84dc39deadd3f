using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using PyProxy.Gateway.Admin.Api;
using PyProxy.Gateway.Users;
using PyProxy.Gateway.Users.Passwords;
using PyProxy.Gateway.Users.Stores;

namespace PyProxy.Gateway.Admin.Resources;

/// <summary>What every change of a user asks first, and how a credential becomes what is kept of it.</summary>
internal sealed class UserKeeping(UserRecords records, PasswordThreads threads, IOptionsMonitor<UsersOptions> options, IConfiguration configuration)
{
    public UserRecords Records => records;

    public static ProblemHttpResult NotInDatabase() => AdminApi.NotFound("There is no user of this name in the database; users of the configuration and of the htpasswd file are kept there.");

    /// <summary>Why a change cannot be made, where that is known before.</summary>
    public ProblemHttpResult? Obstacle(string name, string? plan, string? password, bool generate)
        => !UserName.IsValid(name) ? Bad($"name: {UserName.Rule}.")
            : PlanNames.Mistake(configuration, plan) is { } mistake ? Bad($"plan: {mistake}.")
            : password is "" ? Bad("password: must not be empty.")
            : password is not null && generate ? Bad("password: either a password or generate, not both.")
            : DatabaseObstacle();

    public ProblemHttpResult? DatabaseObstacle() => UsersResource.IsDatabaseAsked(options.CurrentValue)
        ? null
        : AdminApi.Conflict("The gateway does not ask the database for users. Add \"Database\" to Gateway:Users:Stores.");

    /// <returns>The hash to keep, and the password where it was made here.</returns>
    public async Task<(string? Hash, string? Generated)> CredentialAsync(string? password, bool generate, CancellationToken cancellationToken)
    {
        if (generate)
        {
            var generated = GeneratedCredential.NewPassword();
            return (KeyedHash.CreateGenerated(generated).ToString(), generated);
        }

        if (password is null)
        {
            return default;
        }

        var hashing = options.CurrentValue.PasswordHashing;
        return ((await threads.RunAsync(() => PasswordHashing.Hash(password, hashing), cancellationToken)).ToString(), null);
    }

    private static ProblemHttpResult Bad(string detail) => TypedResults.Problem(detail, statusCode: StatusCodes.Status400BadRequest);
}
