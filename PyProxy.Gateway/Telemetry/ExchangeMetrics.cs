using System.Diagnostics;
using System.Diagnostics.Metrics;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Telemetry;

/// <summary>Instruments of exchanges and tunnels. Names of hosts, paths and users are never tags: a stranger chooses them.</summary>
internal sealed class ExchangeMetrics
{
    public const string MeterName = "PyProxy.Gateway";

    // The buckets that semantic conventions advise for http.server.request.duration, so that both can be laid over each other.
    private static readonly double[] RequestSeconds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

    // Tunnels live from one handshake to a day.
    private static readonly double[] TunnelSeconds = [0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400];

    private readonly Counter<long> _requests;
    private readonly Histogram<double> _duration;
    private readonly Counter<long> _bytes;
    private readonly Counter<long> _tunnelsOpened;
    private readonly UpDownCounter<long> _tunnelsActive;
    private readonly Histogram<double> _tunnelDuration;

    public ExchangeMetrics(IMeterFactory meterFactory)
    {
        var meter = meterFactory.Create(MeterName);
        _requests = meter.CreateCounter<long>("pyproxy.requests", "{request}", "Exchanges that have ended, tunnels included.");
        _duration = meter.CreateHistogram(
            "pyproxy.request.duration",
            "s",
            "Duration of exchanges other than tunnels, from the request's head to the end of its handling.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = RequestSeconds });
        _bytes = meter.CreateCounter<long>(
            "pyproxy.request.bytes", "By", "Bytes of bodies and relayed streams, without heads and TLS, counted when the exchange ends.");
        _tunnelsOpened = meter.CreateCounter<long>("pyproxy.tunnels.opened", "{tunnel}", "Tunnels that were established.");
        _tunnelsActive = meter.CreateUpDownCounter<long>("pyproxy.tunnels.active", "{tunnel}", "Tunnels that are open.");
        _tunnelDuration = meter.CreateHistogram(
            "pyproxy.tunnel.duration",
            "s",
            "Duration of tunnels, from their establishment to their end.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = TunnelSeconds });
    }

    public void TunnelOpened(Exchange exchange)
    {
        var tags = PlaceOf(exchange);
        _tunnelsOpened.Add(1, tags);
        _tunnelsActive.Add(1, tags);
    }

    public void Record(Exchange exchange, in ExchangeOutcome outcome)
    {
        if (outcome.TunnelDuration is { } tunnelDuration)
        {
            var place = PlaceOf(exchange);
            _tunnelsActive.Add(-1, place);
            _tunnelDuration.Record(tunnelDuration.TotalSeconds, place);
        }

        if (_requests.Enabled || _duration.Enabled)
        {
            var tags = TagsOf(exchange, outcome.Status);
            _requests.Add(1, tags);
            if (!exchange.IsTunnel)
            {
                _duration.Record(outcome.Duration.TotalSeconds, tags);
            }
        }

        if (_bytes.Enabled)
        {
            AddBytes(exchange, "in", exchange.BytesIn);
            AddBytes(exchange, "out", exchange.BytesOut);
        }
    }

    private void AddBytes(Exchange exchange, string direction, long bytes)
    {
        if (bytes > 0)
        {
            var tags = PlaceOf(exchange);
            AddRoute(ref tags, exchange);
            tags.Add("pyproxy.direction", direction);
            _bytes.Add(bytes, tags);
        }
    }

    private static TagList TagsOf(Exchange exchange, int status)
    {
        var tags = PlaceOf(exchange);
        tags.Add("http.response.status_code", StatusTags.Boxed(status));
        tags.Add("pyproxy.verdict", exchange.Verdict.Name());
        AddRoute(ref tags, exchange);
        if (exchange.Error is { } error)
        {
            tags.Add("error.type", error.Token ?? StatusTags.Text(error.Status));
            tags.Add("pyproxy.fault", error.Fault.Name());
        }

        return tags;
    }

    // Role and way in do not change while an exchange lives, so what was added for a tunnel is taken from the same series.
    private static TagList PlaceOf(Exchange exchange)
        => new() { { "pyproxy.role", exchange.Role.Name() }, { "pyproxy.way_in", exchange.WayIn.Name() } };

    private static void AddRoute(ref TagList tags, Exchange exchange)
    {
        if (exchange.Route is { } route)
        {
            tags.Add("pyproxy.route", route);
        }

        if (exchange.Cluster is { } cluster)
        {
            tags.Add("pyproxy.cluster", cluster);
        }
    }
}
