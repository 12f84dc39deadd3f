using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace PyProxy.Gateway.Resilience;

/// <summary>Instruments of the pipelines for requests. Polly's own events are on the meter <c>Polly</c>.</summary>
internal sealed class ResilienceMetrics
{
    private readonly Counter<long> _tries;
    private readonly Counter<long> _exhausted;
    private readonly Counter<long> _full;
    private readonly Counter<long> _ejections;

    public ResilienceMetrics(IMeterFactory meters)
    {
        var meter = meters.Create("PyProxy.Gateway");
        _tries = meter.CreateCounter<long>(
            "pyproxy.resilience.tries", "{try}",
            "Tries of requests under a pipeline, by pipeline, cluster, kind (first, retry) and outcome (answered, status, failed, timeout, rejected, abandoned).");
        _exhausted = meter.CreateCounter<long>(
            "pyproxy.resilience.budget_exhausted", "{retry}", "Retries that were not made because the budget was used up, by pipeline and cluster.");
        _full = meter.CreateCounter<long>(
            "pyproxy.resilience.bulkhead_refusals", "{request}", "Requests that found no place, by pipeline and cluster.");
        _ejections = meter.CreateCounter<long>(
            "pyproxy.resilience.ejections", "{ejection}",
            "Destinations taken out of a cluster, by cluster and reason (breaker, failures, latency).");
    }

    public void Tried(RequestPipeline pipeline, TryResult result, bool isRetry)
    {
        if (_tries.Enabled)
        {
            var tags = TagsOf(pipeline);
            tags.Add("kind", isRetry ? "retry" : "first");
            tags.Add("outcome", NameOf(result));
            _tries.Add(1, tags);
        }
    }

    public void BudgetExhausted(RequestPipeline pipeline)
    {
        if (_exhausted.Enabled)
        {
            _exhausted.Add(1, TagsOf(pipeline));
        }
    }

    public void NoPlace(RequestPipeline pipeline)
    {
        if (_full.Enabled)
        {
            _full.Add(1, TagsOf(pipeline));
        }
    }

    public void Ejected(string cluster, string reason)
        => _ejections.Add(1, new TagList { { "cluster", cluster }, { "reason", reason } });

    private static string NameOf(TryResult result) => result switch
    {
        TryResult.Answered => "answered",
        TryResult.FailureStatus => "status",
        TryResult.Failed => "failed",
        TryResult.TimedOut => "timeout",
        TryResult.Rejected => "rejected",
        _ => "abandoned",
    };

    private static TagList TagsOf(RequestPipeline pipeline)
    {
        var tags = new TagList { { "pipeline", pipeline.Name } };
        if (pipeline.Cluster is { } cluster)
        {
            tags.Add("cluster", cluster);
        }

        return tags;
    }
}
