using Microsoft.Extensions.Options;
using PyProxy.Gateway.Limits;
using PyProxy.Gateway.Limits.Plans;
using PyProxy.Gateway.Limits.Quotas;
using PyProxy.Gateway.State.Database;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Explain;

/// <summary>Which plans apply to a question, and what they have left.</summary>
/// <param name="selector">Chooses them, as for a request.</param>
/// <param name="limits">Knows what is left of limits.</param>
/// <param name="quotas">Knows what is left of quotas.</param>
/// <param name="usage">The status of a used-up quota.</param>
/// <param name="lifetime">Tells whether there is traffic that could have used something.</param>
internal sealed class PlanStandings(
    PlanSelector selector, LimitWatch limits, QuotaWatch quotas, IOptionsMonitor<UsageOptions> usage, IHostApplicationLifetime lifetime)
{
    private bool IsRunning => lifetime.ApplicationStarted.IsCancellationRequested;

    public async Task ListAsync(AskedExchange asked, ExplanationBuilder answer, CancellationToken cancellationToken)
    {
        var attempt = new LimitAttempt();
        selector.Fill(attempt, asked.Context, asked.Exchange);
        var plans = attempt.Plans.ToArray();
        await AddQuotasAsync(plans, asked.Exchange.User, answer, cancellationToken); // first, as traffic meets them
        await AddLimitsAsync(attempt, plans, answer);
        AddBandwidth(plans, answer);
        if (plans.Length > 0 && !IsRunning)
        {
            answer.Notes.Add("What is left of limits only the running gateway knows: its admin API answers the same question.");
        }
    }

    private async Task AddLimitsAsync(LimitAttempt attempt, Plan[] plans, ExplanationBuilder answer)
    {
        IEnumerable<(Limit Limit, long? Left)> standings = IsRunning
            ? (await limits.UseAsync(attempt)).Select(static use => (use.Limit, (long?)use.Left))
            : plans.SelectMany(static plan => plan.Groups).SelectMany(static group => group.Limits).Select(static limit => (limit, (long?)null));
        foreach (var (limit, left) in standings)
        {
            if (limit.Algorithm == LimitAlgorithm.Tunnels && !attempt.IsTunnel)
            {
                continue;
            }

            answer.Limits.Add(new ExplainedLimit(limit.Plan, limit.Name, LimitText.KeyName(limit.Key), limit.Burst, left));
            if (left < 1)
            {
                answer.UsedUp ??= ProxyErrors.TooManyRequests(limit.FullName, retryAfter: null) with { Setting = $"Gateway:Plans:{limit.Plan}" };
            }
        }
    }

    private async Task AddQuotasAsync(Plan[] plans, string? user, ExplanationBuilder answer, CancellationToken cancellationToken)
    {
        var all = plans.SelectMany(static plan => plan.Quotas).ToList();
        var uses = all.Count > 0 && IsRunning && user is not null ? await UsesAsync(plans, user, answer, cancellationToken) : [];
        foreach (var quota in all)
        {
            var use = uses.FirstOrDefault(use => ReferenceEquals(use.Quota, quota));
            long? left = use is null ? null : Math.Max(0, use.Amount - use.Used);
            answer.Limits.Add(new ExplainedLimit(quota.Plan, quota.Name, Per: "user", use?.Amount ?? quota.Amount, left));
            if (left < 1 && quota.End != QuotaEnd.Slow)
            {
                answer.UsedUp ??= new ProxyError(usage.CurrentValue.QuotaStatus, "http_request_denied", Fault.Client, $"The quota \"{quota.FullName}\" is used up.")
                {
                    DecidedBy = quota.FullName,
                    Setting = $"Gateway:Plans:{quota.Plan}",
                };
            }
        }
    }

    private async Task<IReadOnlyList<QuotaUse>> UsesAsync(Plan[] plans, string user, ExplanationBuilder answer, CancellationToken cancellationToken)
    {
        try
        {
            return await quotas.OfUserAsync(user, [.. plans.Select(static plan => plan.Name)], cancellationToken);
        }
        catch (DatabaseUnavailableException e)
        {
            answer.Notes.Add($"What is left of quotas is not known: {e.Message}");
            return [];
        }
    }

    private static void AddBandwidth(Plan[] plans, ExplanationBuilder answer)
    {
        foreach (var (direction, bandwidth) in plans.SelectMany(static plan => new[] { ("down", plan.Down), ("up", plan.Up) }))
        {
            if (bandwidth is { Limit: { } limit })
            {
                answer.Limits.Add(new ExplainedLimit(limit.Plan, $"{limit.Name} {direction}", LimitText.KeyName(limit.Key), Allowed: null, Left: null));
            }
        }
    }
}
