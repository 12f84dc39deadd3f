using Dapper;
using Microsoft.Extensions.Options;
using PyProxy.Gateway.State.Database;
using PyProxy.Gateway.Traffic;
using PyProxy.Gateway.Users.Passwords;

namespace PyProxy.Gateway.Users.Stores;

/// <summary>The users of the database, looked up one by one: there may be very many.</summary>
internal sealed class DatabaseUserStore(GatewayDatabase database, IOptionsMonitor<UsersOptions> options, TimeProvider time) : IUserStore, IDatabaseConsumer
{
    public const string StoreName = "Database";

    private const string FindUser = $"SELECT {UserRow.Columns} FROM users WHERE name = @name";

    private const string FindKey = """
        SELECT u.name, u.password_hash AS PasswordHash, u.groups, u.plan, u.egress_profile AS EgressProfile, u.disabled, k.hash AS KeyHash
        FROM api_keys k JOIN users u ON u.name = k.user_name
        WHERE k.id = @id
        """;

    private const string Upgrade = "UPDATE users SET password_hash = @stronger, changed_at = @now WHERE name = @name AND password_hash = @weaker";

    public string Name => StoreName;

    public bool CanUpgrade => true;

    public bool NeedsDatabase => options.CurrentValue.Stores.Contains(StoreName, StringComparer.OrdinalIgnoreCase);

    public async ValueTask<StoredUser?> FindAsync(string userName, CancellationToken cancellationToken)
    {
        var row = await database.UseAsync(
            (connection, cancellation) => connection.QuerySingleOrDefaultAsync<UserRow>(
                new CommandDefinition(FindUser, new { name = userName }, cancellationToken: cancellation)),
            cancellationToken);
        return row is null ? null : ToUser(row);
    }

    public async ValueTask<StoredApiKey?> FindApiKeyAsync(string keyId, CancellationToken cancellationToken)
    {
        var row = await database.UseAsync(
            (connection, cancellation) => connection.QuerySingleOrDefaultAsync<KeyRow>(
                new CommandDefinition(FindKey, new { id = keyId }, cancellationToken: cancellation)),
            cancellationToken);
        return row is not null && KeyedHash.TryParse(row.KeyHash, out var hash)
            ? new StoredApiKey(ToUser(row), hash)
            : null;
    }

    public async ValueTask UpgradeAsync(StoredUser user, PasswordHash stronger, CancellationToken cancellationToken)
    {
        var parameters = new { stronger = stronger.ToString(), name = user.Account.Name, weaker = user.Hash?.ToString(), now = time.GetUtcNow().ToUnixTimeMilliseconds() };
        await database.UseAsync(
            (connection, cancellation) => connection.ExecuteAsync(new CommandDefinition(Upgrade, parameters, cancellationToken: cancellation)), cancellationToken);
    }

    private static StoredUser ToUser(UserRow row)
    {
        var hash = row.PasswordHash is not null && PasswordHash.TryParseAny(row.PasswordHash, out var parsed) ? parsed : null;
        return new StoredUser(new KnownUser(row.Name, GroupNames.Read(row.Groups), row.Plan) { EgressProfile = row.EgressProfile }, hash, row.Disabled);
    }

    private sealed class KeyRow : UserRow
    {
        public string KeyHash { get; set; } = "";
    }
}
