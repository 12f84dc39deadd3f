using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Net.Sockets;

namespace PyProxy.Gateway.Egress;

internal enum DnsOutcome
{
    /// <summary>Answered from the cache, or by a lookup that was under way.</summary>
    Hit,

    /// <summary>Looked up.</summary>
    Miss,

    /// <summary>No address, from the cache or not.</summary>
    Failure,
}

internal sealed class EgressMetrics
{
    /// <summary>The outcome of a dial that led to a connection; failures have their <c>Proxy-Status</c> token instead.</summary>
    public const string Success = "success";

    /// <summary>Whoever asked for the connection went away.</summary>
    public const string Cancelled = "cancelled";

    private readonly Counter<long> _dials;
    private readonly Histogram<double> _duration;
    private readonly Counter<long> _lookups;
    private readonly Histogram<double> _lookupDuration;
    private readonly Meter _meter;

    public EgressMetrics(IMeterFactory meters)
    {
        var meter = _meter = meters.Create("PyProxy.Gateway");
        _dials = meter.CreateCounter<long>("pyproxy.egress.dials", "{dial}", "Connections asked for, by outcome and address family.");
        _duration = meter.CreateHistogram(
            "pyproxy.egress.dial.duration",
            "s",
            "Time to resolve, vet and connect, retries included.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] });
        _lookups = meter.CreateCounter<long>("pyproxy.egress.dns.lookups", "{lookup}", "Names asked for, by outcome.");
        _lookupDuration = meter.CreateHistogram(
            "pyproxy.egress.dns.duration",
            "s",
            "Duration of lookups that were made, by outcome (success, failure).",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] });
    }

    /// <param name="outcome"><see cref="Success"/>, <see cref="Cancelled"/> or the token of the error.</param>
    /// <param name="family">Of the address that was connected to, where one was.</param>
    /// <param name="purpose">On whose word it was dialed.</param>
    /// <param name="duration">From the question to the outcome.</param>
    public void Dialed(string outcome, AddressFamily? family, DialPurpose purpose, TimeSpan duration)
    {
        if (!_dials.Enabled && !_duration.Enabled)
        {
            return;
        }

        var tags = new TagList
        {
            { "outcome", outcome },
            { "purpose", purpose switch
                {
                    DialPurpose.Forward => "forward",
                    DialPurpose.Configured => "configured",
                    DialPurpose.Upstream => "upstream",
                    _ => "download",
                }
            },
        };
        if (family is { } known)
        {
            tags.Add("network.type", known == AddressFamily.InterNetwork ? "ipv4" : "ipv6");
        }

        _dials.Add(1, tags);
        _duration.Record(duration.TotalSeconds, tags);
    }

    public void DnsLookup(DnsOutcome outcome)
    {
        if (_lookups.Enabled)
        {
            _lookups.Add(1, new KeyValuePair<string, object?>("outcome", outcome switch
            {
                DnsOutcome.Hit => "hit",
                DnsOutcome.Miss => "miss",
                _ => "failure",
            }));
        }
    }

    public void DnsLookedUp(bool success, TimeSpan duration)
        => _lookupDuration.Record(duration.TotalSeconds, new KeyValuePair<string, object?>("outcome", success ? "success" : "failure"));

    /// <summary>Shows how many names are remembered; read when metrics are collected.</summary>
    public void ObserveNames(Func<int> count)
        => _meter.CreateObservableGauge("pyproxy.egress.dns.cached_names", count, "{name}", "Names that are remembered.");
}
