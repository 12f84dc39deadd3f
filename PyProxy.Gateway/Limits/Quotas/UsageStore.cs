using System.Data.Common;
using System.Globalization;
using Dapper;
using PyProxy.Gateway.Limits.Plans;
using PyProxy.Gateway.State.Database;

namespace PyProxy.Gateway.Limits.Quotas;

/// <summary>Usage in the database.</summary>
internal sealed class UsageStore(GatewayDatabase database)
{
    /// <summary>Long after the last retry of a gateway that died.</summary>
    private const int WritersDays = 7;

    // A batch that is there already changes no row: the answer to the question whether a lost answer was a yes.
    private const string Claim = """
        INSERT INTO usage_writers (instance, batch, day) VALUES (@instance, @number, @day)
        ON CONFLICT (instance) DO UPDATE SET batch = excluded.batch, day = excluded.day WHERE usage_writers.batch < excluded.batch
        """;

    private const string AddDay = """
        INSERT INTO usage_days (user_name, day, requests, bytes_up, bytes_down, tunnels, refusals)
        VALUES (@user, @day, @requests, @up, @down, @tunnels, @refusals)
        ON CONFLICT (user_name, day) DO UPDATE SET
            requests = usage_days.requests + excluded.requests,
            bytes_up = usage_days.bytes_up + excluded.bytes_up,
            bytes_down = usage_days.bytes_down + excluded.bytes_down,
            tunnels = usage_days.tunnels + excluded.tunnels,
            refusals = usage_days.refusals + excluded.refusals
        """;

    private const string AddQuota = """
        INSERT INTO usage_quotas (counter, period, used, raised) VALUES (@counter, @period, @used, @raised)
        ON CONFLICT (counter, period) DO UPDATE SET used = usage_quotas.used + excluded.used, raised = usage_quotas.raised + excluded.raised
        RETURNING used AS Used, raised AS Raised
        """;

    private const string Sum = """
        SELECT COALESCE(SUM(requests), 0) AS Requests, COALESCE(SUM(bytes_up), 0) AS BytesUp, COALESCE(SUM(bytes_down), 0) AS BytesDown,
            COALESCE(SUM(tunnels), 0) AS Tunnels, COALESCE(SUM(refusals), 0) AS Refusals
        FROM usage_days WHERE user_name = @user AND day >= @first
        """;

    private const string Counters = "SELECT counter AS Counter, period AS Period, used AS Used, raised AS Raised FROM usage_quotas ";

    public static string DayOf(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    /// <summary>Adds a batch, once, however often it is sent; and learns what the counters of quotas say then.</summary>
    /// <exception cref="DatabaseUnavailableException">The database is away. Whether the batch arrived may be unknown.</exception>
    public Task<IReadOnlyList<(QuotaCharge Charge, QuotaState State)>> AddAsync(string instance, UsageBatch batch, CancellationToken cancellationToken) => database.UseAsync(
        async (connection, cancellation) =>
        {
            await using var transaction = await connection.BeginTransactionAsync(cancellation);
            Task<int> Execute(string sql, object parameters)
                => connection.ExecuteAsync(new CommandDefinition(sql, parameters, transaction, cancellationToken: cancellation));

            var isNew = await Execute(Claim, new { instance, number = batch.Number, day = batch.Day }) > 0;
            if (isNew)
            {
                // In one order everywhere, or two gateways could wait for each other's rows.
                foreach (var (user, usage) in batch.Users.OrderBy(static entry => entry.User, StringComparer.Ordinal))
                {
                    await Execute(AddDay, new
                    {
                        user,
                        day = batch.Day,
                        requests = usage.Requests,
                        up = usage.BytesUp,
                        down = usage.BytesDown,
                        tunnels = usage.Tunnels,
                        refusals = usage.Refusals,
                    });
                }
            }

            var states = new List<(QuotaCharge, QuotaState)>(batch.Quotas.Count);
            foreach (var charge in batch.Quotas.OrderBy(static charge => charge.Counter.Name, StringComparer.Ordinal))
            {
                states.Add((charge, await AddAsync(connection, transaction, charge.Counter, isNew ? charge.Amount : 0, raised: 0, cancellation)));
            }

            await transaction.CommitAsync(cancellation);
            return (IReadOnlyList<(QuotaCharge Charge, QuotaState State)>)states;
        },
        cancellationToken);

    /// <summary>What a user used from a day on.</summary>
    public Task<Usage> SumAsync(string user, string firstDay, CancellationToken cancellationToken) => database.UseAsync(
        async (connection, cancellation) =>
        {
            // PostgreSQL sums BIGINT to NUMERIC.
            var row = await connection.QuerySingleAsync(new CommandDefinition(Sum, new { user, first = firstDay }, cancellationToken: cancellation));
            var cells = (IDictionary<string, object>)row;
            long Cell(string name) => Convert.ToInt64(
                cells.First(cell => cell.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Value, CultureInfo.InvariantCulture);
            return new Usage(Cell("Requests"), Cell("BytesUp"), Cell("BytesDown"), Cell("Tunnels"), Cell("Refusals"));
        },
        cancellationToken);

    /// <summary>What counters say, in every period there is.</summary>
    public Task<IReadOnlyList<QuotaRow>> CountersAsync(string[] counters, CancellationToken cancellationToken)
    {
        // Not a list for Dapper: the two drivers take lists differently.
        var parameters = new DynamicParameters();
        var names = string.Join(", ", counters.Select((_, i) => string.Create(CultureInfo.InvariantCulture, $"@counter{i}")));
        for (var i = 0; i < counters.Length; i++)
        {
            parameters.Add(string.Create(CultureInfo.InvariantCulture, $"counter{i}"), counters[i]);
        }

        return QueryAsync($"{Counters}WHERE counter IN ({names})", parameters, cancellationToken);
    }

    /// <summary>The counters of one quota, whosesoever, that say at least this much; those that say most.</summary>
    public Task<IReadOnlyList<QuotaRow>> CountersOverAsync(QuotaLimit quota, string period, long least, int most, CancellationToken cancellationToken)
    {
        var ending = "%|" + quota.CounterName.Replace("!", "!!", StringComparison.Ordinal).Replace("%", "!%", StringComparison.Ordinal).Replace("_", "!_", StringComparison.Ordinal);
        return QueryAsync(
            Counters + "WHERE period = @period AND counter LIKE @ending ESCAPE '!' AND used >= @least ORDER BY used DESC LIMIT @most",
            new { period, ending, least, most }, cancellationToken);
    }

    /// <summary>Changes a counter by hand.</summary>
    public Task<QuotaState> ChangeAsync(QuotaCounter counter, long used, long raised, CancellationToken cancellationToken) => database.UseAsync(
        (connection, cancellation) => AddAsync(connection, transaction: null, counter, used, raised, cancellation), cancellationToken);

    /// <summary>Forgets the gateways that have been gone for long.</summary>
    public Task<int> ForgetWritersAsync(DateTimeOffset now, CancellationToken cancellationToken) => database.UseAsync(
        (connection, cancellation) => connection.ExecuteAsync(new CommandDefinition(
            "DELETE FROM usage_writers WHERE day < @day", new { day = DayOf(now.AddDays(-WritersDays)) }, cancellationToken: cancellation)),
        cancellationToken);

    private Task<IReadOnlyList<QuotaRow>> QueryAsync(string sql, object parameters, CancellationToken cancellationToken) => database.UseAsync(
        async (connection, cancellation) => (IReadOnlyList<QuotaRow>)(await connection.QueryAsync<(string, string, long, long)>(
            new CommandDefinition(sql, parameters, cancellationToken: cancellation))).Select(static row => new QuotaRow(row.Item1, row.Item2, row.Item3, row.Item4)).ToList(),
        cancellationToken);

    private static async Task<QuotaState> AddAsync(
        DbConnection connection, DbTransaction? transaction, QuotaCounter counter, long used, long raised, CancellationToken cancellationToken)
    {
        var (total, allowance) = await connection.QuerySingleAsync<(long, long)>(new CommandDefinition(
            AddQuota, new { counter = counter.Name, period = counter.Period.Name, used, raised }, transaction, cancellationToken: cancellationToken));
        return new QuotaState(total, allowance);
    }
}

/// <summary>What a counter says, over all gateways that share the database.</summary>
internal sealed record QuotaState(long Used, long Raised);

/// <summary>What a counter says in one period.</summary>
internal sealed record QuotaRow(string Counter, string Period, long Used, long Raised);
