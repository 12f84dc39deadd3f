using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using PyProxy.Gateway.Admin.Api;
using PyProxy.Gateway.Limits;
using PyProxy.Gateway.Limits.Bandwidth;
using PyProxy.Gateway.Limits.Plans;
using PyProxy.Gateway.Limits.Quotas;
using PyProxy.Gateway.State.Database;

namespace PyProxy.Gateway.Admin.Resources;

/// <summary>Who is near or over which limit, what a user has used, and giving back or raising by hand.</summary>
internal static class LimitsResource
{
    private const int DefaultLimit = 200;
    private const int MaxLimit = 10_000;
    private const string DatabaseAway = "The database is away; it has the counters of quotas.";

    public static void Map(IEndpointRouteBuilder api)
    {
        var limits = api.MapGroup("/limits").WithTags("Limits");
        limits.MapGet("", ListAsync).WithSummary("Who is near or over which limit, those who have used most first.");
        limits.MapGet("/users/{name}", ShowAsync)
            .WithSummary("A user's limits and quotas, and what the user has used today and this month.").ProducesProblem(StatusCodes.Status404NotFound);
        limits.MapDelete("/users/{name}/rates", ResetRatesAsync)
            .WithSummary("Gives back all permits of a user's rates.")
            .ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status503ServiceUnavailable);
        limits.MapDelete("/users/{name}/quotas", ResetQuotasAsync)
            .WithSummary("Sets what a user has used of quotas in this period to nothing; all, or those of one plan or name.")
            .ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status503ServiceUnavailable);
        limits.MapPost("/users/{name}/quotas/raise", RaiseQuotaAsync)
            .WithSummary("Allows a user more of a quota until its period ends.")
            .ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);
    }

    /// <param name="watch">What is counted.</param>
    /// <param name="quotas">The ledger's quotas.</param>
    /// <param name="bandwidth">Who waits for bandwidth.</param>
    /// <param name="share">From which share of a limit on somebody is near its end, 0 to 1; default 0.8.</param>
    /// <param name="limit">At most so many of each kind, 1 to 10000; default 200.</param>
    /// <param name="cancellationToken">The client has gone.</param>
    private static async Task<NearList> ListAsync(
        [FromServices] LimitWatch watch,
        [FromServices] QuotaWatch quotas,
        [FromServices] BandwidthLimiter bandwidth,
        double share = QuotaCounters.NearShare,
        int limit = DefaultLimit,
        CancellationToken cancellationToken = default)
    {
        share = Math.Clamp(share, 0, 1);
        limit = Math.Clamp(limit, 1, MaxLimit);
        var (uses, where, isTruncated) = await watch.UseAsync(user: null, cancellationToken);
        var near = uses.SelectMany(use => use.Limits.Where(one => one.Share >= share && one.Used > 0).Select(one => LimitState.From(use.Subject, one)))
            .OrderByDescending(static state => state.Share).ToList();
        var (nearQuotas, problem) = await FromDatabaseAsync(() => quotas.NearAsync(share, limit, cancellationToken));
        return new NearList(
            where,
            isTruncated,
            near.Count,
            [.. near.Take(limit)],
            [.. bandwidth.UseOf(user: null).Where(static use => use.Waiting > 0).OrderByDescending(static use => use.Waiting).Take(limit).Select(BandwidthState.Of)],
            nearQuotas is null ? null : [.. nearQuotas.OrderByDescending(static use => use.Share).Take(limit).Select(QuotaView.Of)],
            problem);
    }

    private static async Task<Results<Ok<UserLimits>, ProblemHttpResult>> ShowAsync(
        string name,
        [FromServices] LimitWatch watch,
        [FromServices] QuotaWatch quotas,
        [FromServices] BandwidthLimiter bandwidth,
        [FromServices] UserPlans users,
        CancellationToken cancellationToken)
    {
        var (own, problem) = await FromDatabaseAsync(() => users.OfAsync(name, cancellationToken));
        var (uses, where, isTruncated) = await watch.UseAsync(name, cancellationToken);
        var (usage, noUsage) = await FromDatabaseAsync(async () => UsageView.Of(await quotas.UsageAsync(name, cancellationToken)));
        var (quotaUses, _) = await FromDatabaseAsync(() => quotas.OfUserAsync(name, own ?? [], cancellationToken));
        if (own is null && problem is null && uses.Count == 0 && usage is { IsNone: true } && quotaUses is { Count: 0 })
        {
            return NoSuchUser(name);
        }

        return TypedResults.Ok(new UserLimits(
            name,
            own,
            usage,
            where,
            isTruncated,
            [.. uses.SelectMany(static use => use.Limits.Select(one => LimitState.From(use.Subject, one)))],
            [.. bandwidth.UseOf(name).Select(BandwidthState.Of)],
            quotaUses is null ? null : [.. quotaUses.Select(QuotaView.Of)],
            problem ?? noUsage));
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> ResetRatesAsync(
        string name, [FromServices] LimitWatch watch, AuditedChange change, CancellationToken cancellationToken)
    {
        var (uses, _, _) = await watch.UseAsync(name, cancellationToken);
        if (uses.Count == 0)
        {
            return AdminApi.NotFound($"No limit counts anything of a user {name}.");
        }

        change.Before = uses.SelectMany(static use => use.Limits.Where(static one => !one.Limit.IsHeld).Select(one => LimitState.From(use.Subject, one))).ToList();
        return await watch.ResetAsync(name, cancellationToken)
            ? TypedResults.NoContent()
            : Unavailable("Redis, which counts for all gateways, is away.");
    }

    private static async Task<Results<Ok<List<QuotaView>>, ProblemHttpResult>> ResetQuotasAsync(
        string name,
        [FromServices] QuotaWatch quotas,
        [FromServices] UsageLedger ledger,
        AuditedChange change,
        string? plan = null,
        string? quota = null,
        CancellationToken cancellationToken = default)
    {
        try
        {
            var before = (await quotas.OfUserAsync(name, [], cancellationToken)).Where(use => IsMeant(use.Quota, plan, quota)).ToList();
            if (before.Count == 0)
            {
                return AdminApi.NotFound($"The user {name} has used nothing of such a quota in this period.");
            }

            var after = new List<QuotaView>();
            foreach (var use in before)
            {
                var state = await ledger.ChangeAsync(name, use.Quota, reset: true, raise: 0, cancellationToken);
                after.Add(QuotaView.Of(use with { Used = state.Used, Raised = state.Raised }));
            }

            change.Before = before.ConvertAll(QuotaView.Of);
            change.After = after;
            return TypedResults.Ok(after);
        }
        catch (DatabaseUnavailableException)
        {
            return Unavailable(DatabaseAway);
        }
    }

    private static async Task<Results<Ok<QuotaView>, ProblemHttpResult>> RaiseQuotaAsync(
        string name,
        QuotaRaise raise,
        [FromServices] QuotaWatch quotas,
        [FromServices] PlanDirectory plans,
        [FromServices] UsageLedger ledger,
        [FromServices] UserPlans users,
        AuditedChange change,
        CancellationToken cancellationToken)
    {
        if (plans.Find(raise.Plan)?.Quotas.FirstOrDefault(quota => IsMeant(quota, raise.Plan, raise.Quota)) is not { } quota)
        {
            var known = plans.All.SelectMany(static plan => plan.Quotas).Select(static quota => quota.FullName).Order(StringComparer.Ordinal);
            return AdminApi.NotFound($"There is no quota \"{raise.Quota}\" in a plan \"{raise.Plan}\"; there are: {string.Join(", ", known)}.");
        }

        if (!raise.TryRead(quota, out var amount))
        {
            return TypedResults.Problem(
                $"\"{raise.By}\" is no amount for it; write {(quota.CountsBytes ? "bytes such as 50GB" : "a number of requests such as 1000")}, with - in front to lower it again.",
                statusCode: StatusCodes.Status400BadRequest);
        }

        try
        {
            var before = (await quotas.OfUserAsync(name, [quota.Plan], cancellationToken)).Single(use => use.Quota == quota);
            if (before is { Used: 0, Raised: 0 } && await users.OfAsync(name, cancellationToken) is null)
            {
                return NoSuchUser(name);
            }

            if (before.Raised + amount < 0)
            {
                return AdminApi.Conflict($"It was raised by {before.Raised} only; less than the plan allows needs another plan.");
            }

            var state = await ledger.ChangeAsync(name, quota, reset: false, amount, cancellationToken);
            var after = QuotaView.Of(before with { Used = state.Used, Raised = state.Raised });
            (change.Before, change.After) = (QuotaView.Of(before), after);
            return TypedResults.Ok(after);
        }
        catch (DatabaseUnavailableException)
        {
            return Unavailable(DatabaseAway);
        }
    }

    private static bool IsMeant(QuotaLimit quota, string? plan, string? name)
        => (plan is null || quota.Plan.Equals(plan, StringComparison.OrdinalIgnoreCase))
            && (name is null || quota.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    private static async Task<(T? Value, string? Problem)> FromDatabaseAsync<T>(Func<Task<T>> ask)
        where T : class?
    {
        try
        {
            return (await ask(), null);
        }
        catch (DatabaseUnavailableException e)
        {
            return (null, e.Message);
        }
    }

    private static ProblemHttpResult NoSuchUser(string name) => AdminApi.NotFound($"No store knows a user {name}, and nothing was used under this name.");

    private static ProblemHttpResult Unavailable(string detail) => TypedResults.Problem(detail, statusCode: StatusCodes.Status503ServiceUnavailable);

    internal sealed class QuotaRaise
    {
        public required string Plan { get; init; }

        /// <summary>The quota's name in the plan: <c>200GB/month</c>.</summary>
        public required string Quota { get; init; }

        /// <summary>How much more: <c>50GB</c>, or <c>1000</c> for requests; with <c>-</c> in front to take it back.</summary>
        public required string By { get; init; }

        public bool TryRead(QuotaLimit quota, out long amount)
        {
            var isLess = By.StartsWith('-');
            var text = By.AsSpan(isLess ? 1 : 0);
            var isRead = quota.CountsBytes ? LimitText.TryParseBytes(text, out amount) : LimitText.TryParseCount(text, out amount);
            amount = isLess ? -amount : amount;
            return isRead;
        }
    }

    /// <param name="Counted">Where rates and what is held are counted: in this gateway, in Redis, or in this gateway because Redis is away.</param>
    /// <param name="Truncated">Whether Redis counts more users, addresses, routes and hosts than were looked at (20,000): the list may lack some.</param>
    /// <param name="Total">How many limits of subjects are near or over their end, shown or not.</param>
    /// <param name="Limits">Those nearest to their end.</param>
    /// <param name="Bandwidth">Who waits for bandwidth at this gateway.</param>
    /// <param name="Quotas">Quotas near or over their end.</param>
    /// <param name="Problem">What could not be asked.</param>
    internal sealed record NearList(
        CountedWhere Counted, bool Truncated, int Total, IReadOnlyList<LimitState> Limits, IReadOnlyList<BandwidthState> Bandwidth, IReadOnlyList<QuotaView>? Quotas, string? Problem);

    /// <param name="User">The user.</param>
    /// <param name="Plans">The user's own plan and those of their groups; nothing where no store knows the user.</param>
    /// <param name="Usage">What the user has used.</param>
    /// <param name="Counted">As in the list.</param>
    /// <param name="Truncated">As in the list.</param>
    /// <param name="Limits">Limits that are counted by this user, used at the moment.</param>
    /// <param name="Bandwidth">Limits on the bytes of exchanges that run at this gateway.</param>
    /// <param name="Quotas">The user's quotas.</param>
    /// <param name="Problem">What could not be asked.</param>
    internal sealed record UserLimits(
        string User,
        IReadOnlyList<string>? Plans,
        UsageView? Usage,
        CountedWhere Counted,
        bool Truncated,
        IReadOnlyList<LimitState> Limits,
        IReadOnlyList<BandwidthState> Bandwidth,
        IReadOnlyList<QuotaView>? Quotas,
        string? Problem);
}
