using Microsoft.Extensions.Options;
using PyProxy.Gateway.Http;
using PyProxy.Gateway.Limits.Plans;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Limits.Quotas;

/// <summary>Stage 7, first part: refuses who has used up a quota of a plan that applies, and counts everybody else against theirs.</summary>
internal sealed class QuotaMiddleware(
    RequestDelegate next, PlanDirectory plans, PlanSelector selector, UsageLedger ledger, RefusalWriter refusals,
    QuotaMetrics metrics, IOptionsMonitor<UsageOptions> options, TimeProvider time)
{
    public Task InvokeAsync(HttpContext context)
        => context.Features.Get<UsageMeter>() is { } meter && HasQuotas(plans) ? InvokeAsync(context, meter) : next(context);

    private async Task InvokeAsync(HttpContext context, UsageMeter meter)
    {
        var exchange = Exchange.Of(context);
        var attempt = new LimitAttempt();
        selector.Fill(attempt, context, exchange);

        List<QuotaCounter> counters = [];
        foreach (var plan in attempt.Plans.ToArray())
        {
            foreach (var quota in plan.Quotas)
            {
                var counter = ledger.CounterOf(exchange.User!, quota);
                await ledger.LearnAsync(counter, context.RequestAborted);
                counters.Add(counter);
            }
        }

        // A refused request counts: it is one of the requests that a quota of requests is about.
        meter.CountAgainst([.. counters]);
        foreach (var counter in counters)
        {
            // The request itself has been counted already.
            if (counter.Quota.End != QuotaEnd.Slow && (counter.Quota.CountsBytes ? counter.IsUsedUp : counter.Used > counter.Amount))
            {
                metrics.Refused(counter.Quota);
                await refusals.WriteAsync(context, Refusal(counter));
                return;
            }
        }

        await next(context);
    }

    private static bool HasQuotas(PlanDirectory plans)
    {
        foreach (var plan in plans.All)
        {
            if (plan.Quotas.Length > 0)
            {
                return true;
            }
        }

        return false;
    }

    private ProxyError Refusal(QuotaCounter counter) => new(
        options.CurrentValue.QuotaStatus, "http_request_denied", Fault.Client, $"The quota \"{counter.Quota.FullName}\" is used up.")
    {
        DecidedBy = counter.Quota.FullName,
        RetryAfter = counter.Period.End - time.GetUtcNow(),
    };
}
