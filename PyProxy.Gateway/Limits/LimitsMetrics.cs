using System.Diagnostics.Metrics;

namespace PyProxy.Gateway.Limits;

internal sealed class LimitsMetrics
{
    private readonly Counter<long> _decisions;

    public LimitsMetrics(IMeterFactory meters)
    {
        _decisions = meters.Create("PyProxy.Gateway").CreateCounter<long>(
            "pyproxy.limiter.decisions", "{decision}", "Decisions of plans about requests, by outcome (allowed, refused, unknown_plan) and plan.");
    }

    /// <param name="outcome">allowed, refused or unknown_plan.</param>
    /// <param name="plan">A plan of the configuration; nothing that a client can name.</param>
    public void Decided(string outcome, string plan)
    {
        if (_decisions.Enabled)
        {
            _decisions.Add(1, new KeyValuePair<string, object?>("outcome", outcome), new KeyValuePair<string, object?>("plan", plan));
        }
    }
}
