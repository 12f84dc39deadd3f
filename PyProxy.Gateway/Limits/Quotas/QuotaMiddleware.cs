using Microsoft.Extensions.ObjectPool;
using Microsoft.Extensions.Options;
using PyProxy.Gateway.Http;
using PyProxy.Gateway.Limits.Plans;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Limits.Quotas;

/// <summary>Stage 7, first part: refuses who has used up a quota of a plan that applies, and counts everybody else against theirs.</summary>
internal sealed class QuotaMiddleware(
    RequestDelegate next, PlanDirectory plans, PlanSelector selector, UsageLedger ledger, QuotaMetrics metrics, RefusalWriter refusals,
    IOptionsMonitor<UsageOptions> options, TimeProvider time)
{
    private readonly DefaultObjectPool<LimitAttempt> _attempts = new(new DefaultPooledObjectPolicy<LimitAttempt>());

    public Task InvokeAsync(HttpContext context)
        => plans.HasQuotas && context.Features.Get<UsageMeter>() is { } meter ? InvokeAsync(context, meter) : next(context);

    private Task InvokeAsync(HttpContext context, UsageMeter meter)
    {
        var counters = CountersOf(context, Exchange.Of(context));
        if (counters.Length == 0)
        {
            return next(context);
        }

        // A refused request counts: it is one of the requests that a quota of requests is about.
        meter.CountAgainst(counters);
        var learning = ledger.LearnAsync(counters, context.RequestAborted);
        return learning.IsCompletedSuccessfully ? Judge(context, counters) : JudgeAsync(context, counters, learning);
    }

    private async Task JudgeAsync(HttpContext context, QuotaCounter[] counters, ValueTask learning)
    {
        await learning;
        await Judge(context, counters);
    }

    private Task Judge(HttpContext context, QuotaCounter[] counters)
    {
        foreach (var counter in counters)
        {
            // The request itself has been counted already.
            var quota = counter.Quota;
            if (!(quota.CountsBytes ? counter.IsUsedUp : counter.Used > counter.Amount))
            {
                continue;
            }

            if (quota.End == QuotaEnd.Slow)
            {
                metrics.Slowed(quota);
                continue;
            }

            counter.Ask();
            metrics.Refused(quota);
            return refusals.WriteAsync(context, Refusal(counter));
        }

        return next(context);
    }

    private QuotaCounter[] CountersOf(HttpContext context, Exchange exchange)
    {
        var attempt = _attempts.Get();
        selector.Fill(attempt, context, exchange);
        var count = 0;
        foreach (var plan in attempt.Plans)
        {
            count += plan.Quotas.Length;
        }

        var counters = count == 0 ? [] : new QuotaCounter[count];
        foreach (var plan in attempt.Plans)
        {
            foreach (var quota in plan.Quotas)
            {
                counters[^count--] = ledger.Use(exchange.User!, quota);
            }
        }

        attempt.Clear();
        _attempts.Return(attempt);
        return counters;
    }

    private ProxyError Refusal(QuotaCounter counter) => new(
        options.CurrentValue.QuotaStatus, "http_request_denied", Fault.Client, $"The quota \"{counter.Quota.FullName}\" is used up.")
    {
        DecidedBy = counter.Quota.FullName,
        RetryAfter = counter.Period.End - time.GetUtcNow(),
    };
}
