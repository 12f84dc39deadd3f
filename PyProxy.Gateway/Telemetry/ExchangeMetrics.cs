using System.Diagnostics.Metrics;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Telemetry;

/// <summary>
/// Instruments of exchanges and tunnels. Names of hosts, paths and users are never tags: a stranger chooses them. What is written for every
/// request is three histograms; counts are kept by <see cref="ExchangeSeries"/>.
/// </summary>
internal sealed class ExchangeMetrics
{
    public const string MeterName = "PyProxy.Gateway";

    // The buckets that semantic conventions advise for http.server.request.duration, so that both can be laid over each other.
    private static readonly double[] RequestSeconds = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

    // What the gateway adds is a fraction of a millisecond unless somebody waits for a place.
    private static readonly double[] GatewaySeconds = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

    // Tunnels live from one handshake to a day.
    private static readonly double[] TunnelSeconds = [0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600, 14400, 86400];

    private readonly SeriesTable _series = new();
    private readonly TunnelCounts _tunnels = new();
    private readonly Histogram<double> _duration;
    private readonly Histogram<double> _gatewayDuration;
    private readonly Histogram<double> _upstreamDuration;
    private readonly Histogram<double> _tunnelDuration;

    public ExchangeMetrics(IMeterFactory meterFactory, LiveExchanges live)
    {
        var meter = meterFactory.Create(MeterName);
        meter.CreateObservableCounter("pyproxy.requests", Requests, "{request}", "Exchanges that have ended, tunnels included.");
        meter.CreateObservableCounter(
            "pyproxy.request.bytes", Bytes, "By",
            "Bytes of bodies and upgraded streams, without heads and TLS, counted when the exchange ends; those of tunnels are pyproxy.tunnel.bytes.");
        _duration = Seconds(
            meter, "pyproxy.request.duration", "Duration of exchanges other than tunnels, from the request's head to the end of its handling.", RequestSeconds);
        _gatewayDuration = Seconds(
            meter, "pyproxy.request.gateway.duration", "Time that an exchange has spent in the gateway before anything was sent on.", GatewaySeconds);
        _upstreamDuration = Seconds(
            meter, "pyproxy.request.upstream.duration",
            "Time from sending a request on to the head of the answer, all tries together; for tunnels until the destination was connected.", RequestSeconds);
        meter.CreateObservableGauge("pyproxy.requests.active", () => Active(live), "{request}", "Exchanges under way that are not tunnels.");
        meter.CreateObservableGauge("pyproxy.tunnels.active", _tunnels.Active, "{tunnel}", "Tunnels that are open.");
        meter.CreateObservableCounter("pyproxy.tunnels.opened", _tunnels.Opened, "{tunnel}", "Tunnels that were established.");
        _tunnelDuration = Seconds(
            meter, "pyproxy.tunnel.duration", "Duration of tunnels, from their establishment to their end.", TunnelSeconds);
        meter.CreateObservableCounter(
            "pyproxy.tunnel.bytes",
            () =>
            {
                live.ChargeTunnels();
                return _tunnels.Bytes();
            },
            "By",
            "Bytes that tunnels have relayed, counted while they run.");
        meter.CreateObservableGauge("pyproxy.exchange.series", () => _series.Count, "{series}", "Combinations of tags that pyproxy.requests has.");
    }

    public void TunnelOpened(Exchange exchange) => _tunnels.Open(exchange);

    /// <summary>Bytes that a tunnel has relayed since the last time.</summary>
    public void TunnelMoved(Exchange exchange, long bytesIn, long bytesOut) => _tunnels.Move(exchange, bytesIn, bytesOut);

    public void Record(Exchange exchange, in ExchangeOutcome outcome)
    {
        var series = _series[SeriesKey.Of(exchange, outcome)];
        series.Count();
        if (outcome.TunnelDuration is { } tunnelDuration)
        {
            _tunnels.End(exchange);
            _tunnelDuration.Record(tunnelDuration.TotalSeconds, TunnelCounts.Tags(exchange));
        }
        else
        {
            series.CountBytes(exchange.BytesIn, exchange.BytesOut);
            _duration.Record(outcome.Duration.TotalSeconds, series.Tags);
        }

        _gatewayDuration.Record(outcome.GatewayTime.TotalSeconds, series.GatewayTags);
        if (outcome.UpstreamTime is { } upstreamTime)
        {
            _upstreamDuration.Record(upstreamTime.TotalSeconds, series.UpstreamTags);
        }
    }

    private static Histogram<double> Seconds(Meter meter, string name, string description, double[] buckets)
        => meter.CreateHistogram(name, "s", description, advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = buckets });

    private static IEnumerable<Measurement<long>> Active(LiveExchanges live)
    {
        var requests = live.CountRequestsByRole();
        for (var role = 0; role < requests.Length; role++)
        {
            yield return new Measurement<long>(requests[role], new KeyValuePair<string, object?>("role", ((ListenerRole)role).Name()));
        }
    }

    private IEnumerable<Measurement<long>> Requests()
    {
        foreach (var series in _series.All())
        {
            yield return new Measurement<long>(series.Requests, series.Tags);
        }
    }

    private IEnumerable<Measurement<long>> Bytes()
    {
        foreach (var series in _series.All())
        {
            if (series.BytesIn is > 0 and var bytesIn)
            {
                yield return new Measurement<long>(bytesIn, series.TagsIn);
            }

            if (series.BytesOut is > 0 and var bytesOut)
            {
                yield return new Measurement<long>(bytesOut, series.TagsOut);
            }
        }
    }
}
