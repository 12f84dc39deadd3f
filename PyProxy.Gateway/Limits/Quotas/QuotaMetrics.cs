using System.Diagnostics.Metrics;
using PyProxy.Gateway.Limits.Plans;

namespace PyProxy.Gateway.Limits.Quotas;

internal sealed class QuotaMetrics
{
    private static readonly string[] Uses = ["below_80", "from_80", "used_up"];

    private readonly Counter<long> _refusals;
    private readonly Meter _meter;

    public QuotaMetrics(IMeterFactory meters)
    {
        _meter = meters.Create("PyProxy.Gateway");
        _refusals = _meter.CreateCounter<long>(
            "pyproxy.limiter.quota.refusals", "{refusal}", "Requests refused or slowed down and transfers cut because a quota was used up, by plan, quota and outcome.");
    }

    public void Refused(QuotaLimit quota) => Add(quota, "refused");

    public void Cut(QuotaLimit quota) => Add(quota, "cut");

    public void Slowed(QuotaLimit quota) => Add(quota, "slowed");

    /// <summary>Shows how many users have used how much; read when metrics are collected. Users are no tag: there can be very many.</summary>
    public void Observe(Func<IEnumerable<QuotaCounter>> current) => _meter.CreateObservableGauge(
        "pyproxy.limiter.quotas", () => Count(current()), "{user}", "Users by how much of a quota they have used in its period (below_80, from_80, used_up).");

    private static IEnumerable<Measurement<int>> Count(IEnumerable<QuotaCounter> counters)
    {
        var counts = new Dictionary<(string Plan, string Quota), int[]>();
        foreach (var counter in counters)
        {
            var key = (counter.Quota.Plan, counter.Quota.Name);
            if (!counts.TryGetValue(key, out var uses))
            {
                counts.Add(key, uses = new int[Uses.Length]);
            }

            uses[counter.IsUsedUp ? 2 : counter.Used >= counter.Amount * QuotaCounters.NearShare ? 1 : 0]++;
        }

        foreach (var ((plan, quota), uses) in counts)
        {
            for (var i = 0; i < Uses.Length; i++)
            {
                yield return new Measurement<int>(uses[i], new("plan", plan), new("quota", quota), new("use", Uses[i]));
            }
        }
    }

    private void Add(QuotaLimit quota, string outcome) => _refusals.Add(1, new("plan", quota.Plan), new("quota", quota.Name), new("outcome", outcome));
}
