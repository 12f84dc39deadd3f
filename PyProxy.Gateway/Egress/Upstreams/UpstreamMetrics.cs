using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace PyProxy.Gateway.Egress.Upstreams;

/// <summary>Names of profiles and upstream proxies come from the configuration, so there are no more series than it names.</summary>
internal sealed class UpstreamMetrics
{
    /// <summary>The connection stands.</summary>
    public const string Success = "success";

    /// <summary>The upstream proxy failed.</summary>
    public const string Failed = "failed";

    /// <summary>It answered that it cannot or will not reach the destination.</summary>
    public const string Answered = "refused";

    private readonly Counter<long> _dials;
    private readonly Counter<long> _failovers;
    private readonly Counter<long> _ejections;

    public UpstreamMetrics(IMeterFactory meters, EgressRuntime runtime)
    {
        var meter = meters.Create("PyProxy.Gateway");
        _dials = meter.CreateCounter<long>("pyproxy.egress.upstream.dials", "{connection}", "Connections through upstream proxies, by profile, proxy and outcome (success, failed, refused).");
        _failovers = meter.CreateCounter<long>("pyproxy.egress.upstream.failovers", "{exchange}", "Turns from an upstream proxy that failed to another one, by profile.");
        _ejections = meter.CreateCounter<long>("pyproxy.egress.upstream.ejections", "{ejection}", "Times that an upstream proxy was taken out, by profile, proxy and evidence (traffic, check).");
        meter.CreateObservableGauge(
            "pyproxy.egress.upstream.in", () => Each(runtime, static proxy => proxy.Health.IsIn ? 1 : 0), "{proxy}", "1 where an upstream proxy is in, 0 where it is out.");
        meter.CreateObservableGauge(
            "pyproxy.egress.upstream.in_use", () => Each(runtime, static proxy => proxy.Health.InUse), "{exchange}", "Requests and tunnels that an upstream proxy carries now.");
    }

    public void Opened(UpstreamPool pool, UpstreamProxy proxy, string outcome)
        => _dials.Add(1, new TagList { { "profile", pool.Profile }, { "upstream", proxy.Name }, { "outcome", outcome } });

    public void FailedOver(UpstreamPool pool) => _failovers.Add(1, new KeyValuePair<string, object?>("profile", pool.Profile));

    public void Ejected(UpstreamPool pool, UpstreamProxy proxy, UpstreamEvidence evidence) => _ejections.Add(
        1, new TagList { { "profile", pool.Profile }, { "upstream", proxy.Name }, { "evidence", evidence == UpstreamEvidence.Traffic ? "traffic" : "check" } });

    private static IEnumerable<Measurement<int>> Each(EgressRuntime runtime, Func<UpstreamProxy, int> value)
    {
        foreach (var profile in runtime.Current.Profiles.Values)
        {
            if (profile.Upstreams is not { } pool)
            {
                continue;
            }

            foreach (var proxy in pool.Proxies)
            {
                yield return new Measurement<int>(value(proxy), new("profile", pool.Profile), new("upstream", proxy.Name));
            }
        }
    }
}
