using System.Data.Common;
using Dapper;
using PyProxy.Gateway.State.Database;

namespace PyProxy.Gateway.Users.Stores;

/// <summary>The database's users, for whoever keeps them: adds, changes, lists, removes. Gateways learn of it by the tables' triggers.</summary>
internal sealed class UserRecords(GatewayDatabase database, TimeProvider time)
{
    private const string InsertUser = """
        INSERT INTO users (name, password_hash, groups, plan, egress_profile, disabled, created_at, changed_at)
        VALUES (@name, @hash, @groups, @plan, @egress, @disabled, @now, @now)
        ON CONFLICT (name) DO NOTHING
        """;

    private const string UpdateUser = """
        UPDATE users SET
            password_hash = COALESCE(@hash, password_hash),
            groups = COALESCE(@groups, groups),
            plan = CASE WHEN @plan IS NULL THEN plan WHEN @plan = '' THEN NULL ELSE @plan END,
            egress_profile = CASE WHEN @egress IS NULL THEN egress_profile WHEN @egress = '' THEN NULL ELSE @egress END,
            disabled = COALESCE(@disabled, disabled),
            changed_at = @now
        WHERE name = @name
        """;

    private long Now => time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>Brings the tables up to date first: a command may come before the first gateway.</summary>
    public Task PrepareAsync(CancellationToken cancellationToken) => database.PrepareAsync(cancellationToken);

    /// <returns>False where there is a user of that name already.</returns>
    public async Task<bool> AddAsync(UserRecord user, CancellationToken cancellationToken) => await database.UseAsync(
        (connection, cancellation) => connection.ExecuteAsync(Command(InsertUser, Parameters(user), cancellation)), cancellationToken) == 1;

    public Task<UserRecord?> FindAsync(string name, CancellationToken cancellationToken) => database.UseAsync(
        async (connection, cancellation) => (await connection.QuerySingleOrDefaultAsync<UserRow>(
            Command($"SELECT {UserRow.Columns} FROM users WHERE name = @name", new { name }, cancellation)))?.ToRecord(),
        cancellationToken);

    /// <summary>A page of users by name, behind the given one.</summary>
    public Task<IReadOnlyList<UserRecord>> ListAsync(string after, int count, CancellationToken cancellationToken) => database.UseAsync<IReadOnlyList<UserRecord>>(
        async (connection, cancellation) =>
        [
            .. (await connection.QueryAsync<UserRow>(Command(
                $"SELECT {UserRow.Columns} FROM users WHERE name > @after ORDER BY name LIMIT @count", new { after, count }, cancellation))).Select(row => row.ToRecord()),
        ],
        cancellationToken);

    /// <returns>False where there is no such user.</returns>
    public async Task<bool> ChangeAsync(string name, UserChange change, CancellationToken cancellationToken)
    {
        var parameters = new
        {
            name,
            hash = change.PasswordHash,
            groups = change.Groups is null ? null : GroupNames.Write(change.Groups),
            plan = change.Plan,
            egress = change.EgressProfile,
            disabled = change.Disabled,
            now = Now,
        };
        return await database.UseAsync((connection, cancellation) => connection.ExecuteAsync(Command(UpdateUser, parameters, cancellation)), cancellationToken) == 1;
    }

    /// <summary>Removes the user and its API keys.</summary>
    /// <returns>False where there is no such user.</returns>
    public async Task<bool> RemoveAsync(string name, CancellationToken cancellationToken) => await database.UseAsync(
        (connection, cancellation) => connection.ExecuteAsync(Command("DELETE FROM users WHERE name = @name", new { name }, cancellation)), cancellationToken) == 1;

    public Task<IReadOnlyList<ApiKeyRecord>> ApiKeysAsync(string name, CancellationToken cancellationToken) => database.UseAsync<IReadOnlyList<ApiKeyRecord>>(
        async (connection, cancellation) =>
        [
            .. (await connection.QueryAsync<(string Id, string Label, long CreatedAt)>(Command(
                "SELECT id, label, created_at FROM api_keys WHERE user_name = @name ORDER BY created_at, id", new { name }, cancellation)))
                .Select(row => new ApiKeyRecord(row.Id, row.Label, DateTimeOffset.FromUnixTimeMilliseconds(row.CreatedAt))),
        ],
        cancellationToken);

    public async Task AddApiKeyAsync(string name, string id, PasswordHash hash, string label, CancellationToken cancellationToken)
    {
        var parameters = new { id, name, hash = hash.ToString(), label, now = Now };
        await database.UseAsync(
            (connection, cancellation) => connection.ExecuteAsync(Command(
                "INSERT INTO api_keys (id, user_name, hash, label, created_at) VALUES (@id, @name, @hash, @label, @now)", parameters, cancellation)),
            cancellationToken);
    }

    /// <returns>False where the user has no such key.</returns>
    public async Task<bool> RemoveApiKeyAsync(string name, string id, CancellationToken cancellationToken) => await database.UseAsync(
        (connection, cancellation) => connection.ExecuteAsync(Command("DELETE FROM api_keys WHERE id = @id AND user_name = @name", new { id, name }, cancellation)),
        cancellationToken) == 1;

    /// <summary>Adds very many users in one transaction, in batches as they come.</summary>
    /// <param name="batches">What to add.</param>
    /// <param name="replace">Whether a user who exists is replaced; otherwise it is left as it is.</param>
    /// <param name="exists">Told the names that were left as they are.</param>
    /// <param name="mayCommit">Asked at the end; false leaves the database as it was.</param>
    /// <param name="cancellationToken">Leaves the database as it was.</param>
    /// <returns>How many were added or replaced.</returns>
    public Task<int> ImportAsync(
        IAsyncEnumerable<IReadOnlyList<UserRecord>> batches, bool replace, Action<IReadOnlyCollection<string>> exists, Func<bool> mayCommit, CancellationToken cancellationToken)
        => database.UseAsync(
            async (connection, cancellation) =>
            {
                await using var transaction = await connection.BeginTransactionAsync(cancellation);
                if (database.Engine == DatabaseEngine.PostgreSql)
                {
                    await connection.ExecuteAsync(new CommandDefinition(UsersMigrations.PostgreSqlLock, transaction: transaction, cancellationToken: cancellation));
                }

                var imported = 0;
                await foreach (var batch in batches.WithCancellation(cancellation))
                {
                    var left = database.Engine == DatabaseEngine.PostgreSql
                        ? await InsertAtOnceAsync(connection, transaction, batch, replace, cancellation)
                        : await InsertOneByOneAsync(connection, transaction, batch, replace, cancellation);
                    imported += batch.Count - left.Count;
                    exists(left);
                }

                if (!mayCommit())
                {
                    return 0; // the transaction's end takes everything back
                }

                await transaction.CommitAsync(cancellation);
                return imported;
            },
            cancellationToken);

    private async Task<IReadOnlyCollection<string>> InsertAtOnceAsync(
        DbConnection connection, DbTransaction transaction, IReadOnlyList<UserRecord> batch, bool replace, CancellationToken cancellationToken)
    {
        // One round trip, and one run of the trigger, for the whole batch.
        var sql = $"""
            INSERT INTO users (name, password_hash, groups, plan, egress_profile, disabled, created_at, changed_at)
            SELECT name, hash, groups, plan, egress, disabled, @now, @now
            FROM unnest(@names::text[], @hashes::text[], @groups::text[], @plans::text[], @egress::text[], @disabled::boolean[]) AS u (name, hash, groups, plan, egress, disabled)
            ON CONFLICT (name) {OnConflict(replace)}
            RETURNING name
            """;
        var parameters = new
        {
            names = batch.Select(u => u.Name).ToArray(),
            hashes = batch.Select(u => u.PasswordHash).ToArray(),
            groups = batch.Select(u => GroupNames.Write(u.Groups)).ToArray(),
            plans = batch.Select(u => u.Plan).ToArray(),
            egress = batch.Select(u => u.EgressProfile).ToArray(),
            disabled = batch.Select(u => u.Disabled).ToArray(),
            now = Now,
        };
        var written = (await connection.QueryAsync<string>(new CommandDefinition(sql, parameters, transaction, commandTimeout: 60, cancellationToken: cancellationToken)))
            .ToHashSet(StringComparer.Ordinal);
        return [.. batch.Select(u => u.Name).Where(name => !written.Contains(name))];
    }

    private async Task<IReadOnlyCollection<string>> InsertOneByOneAsync(
        DbConnection connection, DbTransaction transaction, IReadOnlyList<UserRecord> batch, bool replace, CancellationToken cancellationToken)
    {
        // Without a round trip one statement per user, prepared once, is what SQLite does fastest.
        var sql = $"""
            INSERT INTO users (name, password_hash, groups, plan, egress_profile, disabled, created_at, changed_at)
            VALUES (@name, @hash, @groups, @plan, @egress, @disabled, @now, @now)
            ON CONFLICT (name) {OnConflict(replace)}
            """;
        List<string> left = [];
        foreach (var user in batch)
        {
            if (await connection.ExecuteAsync(new CommandDefinition(sql, Parameters(user), transaction, cancellationToken: cancellationToken)) == 0)
            {
                left.Add(user.Name);
            }
        }

        return left;
    }

    private static string OnConflict(bool replace) => replace
        ? "DO UPDATE SET password_hash = excluded.password_hash, groups = excluded.groups, plan = excluded.plan, egress_profile = excluded.egress_profile, disabled = excluded.disabled, changed_at = excluded.changed_at"
        : "DO NOTHING";

    private object Parameters(UserRecord user) => new
    {
        name = user.Name,
        hash = user.PasswordHash,
        groups = GroupNames.Write(user.Groups),
        plan = user.Plan,
        egress = user.EgressProfile,
        disabled = user.Disabled,
        now = Now,
    };

    private static CommandDefinition Command(string sql, object parameters, CancellationToken cancellationToken)
        => new(sql, parameters, cancellationToken: cancellationToken);
}
