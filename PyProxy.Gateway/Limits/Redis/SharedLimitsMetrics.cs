using System.Diagnostics.Metrics;

namespace PyProxy.Gateway.Limits.Redis;

internal sealed class SharedLimitsMetrics
{
    private readonly Counter<long> _decisions;

    public SharedLimitsMetrics(IMeterFactory meters) => _decisions = meters.Create("PyProxy.Gateway").CreateCounter<long>(
        "pyproxy.limiter.shared.decisions",
        "{decision}",
        "Decisions about shared limits, by how they came about (ahead: with permits had in advance; used_up: from memory; redis: asked; alone: Redis is away).");

    /// <param name="source">ahead, used_up, redis or alone.</param>
    public void Decided(string source)
    {
        if (_decisions.Enabled)
        {
            _decisions.Add(1, new KeyValuePair<string, object?>("source", source));
        }
    }
}
