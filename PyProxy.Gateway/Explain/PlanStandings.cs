using PyProxy.Gateway.Limits;
using PyProxy.Gateway.Limits.Plans;

namespace PyProxy.Gateway.Explain;

/// <summary>Which plans apply to a question, and what they have left.</summary>
/// <param name="selector">Chooses them, as for a request.</param>
/// <param name="engine">Knows what is left.</param>
/// <param name="lifetime">Tells whether there is traffic that could have used something.</param>
internal sealed class PlanStandings(PlanSelector selector, ILimiterEngine engine, IHostApplicationLifetime lifetime)
{
    public async Task ListAsync(AskedExchange asked, ExplanationBuilder answer, CancellationToken cancellationToken)
    {
        var attempt = new LimitAttempt();
        selector.Fill(attempt, asked.Context, asked.Exchange);
        var plans = attempt.Plans.ToArray();
        foreach (var standing in lifetime.ApplicationStarted.IsCancellationRequested ? await engine.PeekAsync(attempt, cancellationToken) : [.. Configured(plans)])
        {
            var limit = standing.Limit;
            if (limit.Algorithm == LimitAlgorithm.Tunnels && !attempt.IsTunnel)
            {
                continue;
            }

            answer.Limits.Add(new ExplainedLimit(limit.Plan, limit.Name, LimitText.KeyName(limit.Key), limit.IsHeld ? limit.Amount : limit.Burst, standing.Left));
            if (standing.Left < 1)
            {
                answer.UsedUp ??= Traffic.ProxyErrors.TooManyRequests(limit.FullName, retryAfter: null) with { Setting = $"Gateway:Plans:{limit.Plan}" };
            }
        }

        foreach (var plan in plans)
        {
            Describe(plan, answer);
        }

        if (plans.Length > 0 && !lifetime.ApplicationStarted.IsCancellationRequested)
        {
            answer.Notes.Add("What is left of limits only the running gateway knows: its admin API answers the same question.");
        }
    }

    private static IEnumerable<LimitStanding> Configured(Plan[] plans)
        => plans.SelectMany(static plan => plan.Groups).SelectMany(static group => group.Limits).Select(static limit => new LimitStanding(limit, Left: null));

    private static void Describe(Plan plan, ExplanationBuilder answer)
    {
        foreach (var (direction, bandwidth) in new[] { ("down", plan.Down), ("up", plan.Up) })
        {
            if (bandwidth is not null)
            {
                answer.Limits.Add(new ExplainedLimit(plan.Name, $"{bandwidth.Limit.Name} {direction}", LimitText.KeyName(bandwidth.Limit.Key), Allowed: null, Left: null));
            }
        }

        foreach (var quota in plan.Quotas)
        {
            answer.Limits.Add(new ExplainedLimit(plan.Name, quota.Name, Per: "user", quota.Amount, Left: null));
        }
    }
}
