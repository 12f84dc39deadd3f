using System.Diagnostics;
using System.Diagnostics.Metrics;
using PyProxy.Gateway.Limits.Plans;

namespace PyProxy.Gateway.Limits.Quotas;

/// <summary>How quotas are used. By plan and quota, never by user: who it is says the admin API.</summary>
internal sealed class UsageMetrics
{
    private readonly Meter _meter;
    private readonly Counter<long> _bytes;
    private readonly Counter<long> _requests;
    private readonly Counter<long> _ends;

    public UsageMetrics(IMeterFactory meters)
    {
        _meter = meters.Create("PyProxy.Gateway");
        _bytes = _meter.CreateCounter<long>("pyproxy.quota.bytes", "By", "Bytes charged to quotas of bytes, by plan and quota.");
        _requests = _meter.CreateCounter<long>("pyproxy.quota.requests", "{request}", "Requests charged to quotas of requests, by plan and quota.");
        _ends = _meter.CreateCounter<long>(
            "pyproxy.quota.ends", "{exchange}", "What quotas that were used up did to exchanges, by plan, quota and action (refused, cut, slowed).");
    }

    public void Charged(QuotaLimit quota, long amount)
    {
        var counter = quota.CountsBytes ? _bytes : _requests;
        if (counter.Enabled && amount > 0)
        {
            counter.Add(amount, new TagList { { "plan", quota.Plan }, { "quota", quota.Name } });
        }
    }

    public void Ended(QuotaLimit quota, string action)
    {
        if (_ends.Enabled)
        {
            _ends.Add(1, new TagList { { "plan", quota.Plan }, { "quota", quota.Name }, { "action", action } });
        }
    }

    /// <summary>Shows how many users are where; read when metrics are collected.</summary>
    public void Observe(Func<IEnumerable<Measurement<int>>> users) => _meter.CreateObservableGauge(
        "pyproxy.quota.users", users, "{user}",
        "Users with traffic in the last minute who have used up a quota (state over) or four fifths of it (near), by plan and quota.");
}
