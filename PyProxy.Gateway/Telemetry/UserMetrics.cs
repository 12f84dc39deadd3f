using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Options;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Telemetry;

/// <summary>
/// What users do, by name; so the number of names is bounded. Those who come when the bound is reached are one together, and
/// <c>pyproxy.user.series</c> says that it is.
/// </summary>
internal sealed class UserMetrics
{
    private readonly ConcurrentDictionary<string, UserSeries> _users = new(StringComparer.Ordinal);
    private readonly UserSeries _others = new("(other)"); // no name of a user: those have no parentheses around them
    private readonly IOptionsMonitor<TelemetryOptions> _options;

    // ConcurrentDictionary.Count takes all its locks.
    private int _count;

    public UserMetrics(IMeterFactory meterFactory, LiveExchanges live, IOptionsMonitor<TelemetryOptions> options)
    {
        _options = options;
        var meter = meterFactory.Create(ExchangeMetrics.MeterName);
        meter.CreateObservableCounter("pyproxy.user.requests", Requests, "{request}", "Exchanges of authenticated users that have ended.");
        meter.CreateObservableCounter(
            "pyproxy.user.bytes",
            () =>
            {
                live.ChargeTunnels();
                return Bytes();
            },
            "By",
            "Bytes of authenticated users, those of tunnels counted while they run.");
        meter.CreateObservableCounter("pyproxy.user.refusals", Refusals, "{request}", "Exchanges of authenticated users that were refused (denied, limited).");
        meter.CreateObservableGauge("pyproxy.user.series", () => Volatile.Read(ref _count), "{user}", "Users that have series of their own.");
        meter.CreateObservableGauge(
            "pyproxy.user.series.limit", () => options.CurrentValue.MaxUserSeries, "{user}", "How many users may have series of their own.");
    }

    public void TunnelMoved(Exchange exchange, long bytesIn, long bytesOut)
    {
        if (SeriesOf(exchange) is { } series)
        {
            series.Move(bytesIn, bytesOut);
        }
    }

    public void Record(Exchange exchange)
    {
        if (SeriesOf(exchange) is not { } series)
        {
            return;
        }

        series.Count(exchange.Verdict);
        if (!exchange.IsTunnel)
        {
            series.Move(exchange.BytesIn, exchange.BytesOut);
        }
    }

    private UserSeries? SeriesOf(Exchange exchange)
    {
        if (exchange.Account is not { } user || exchange.Role == ListenerRole.Admin)
        {
            return null;
        }

        return _users.TryGetValue(user.Name, out var series) ? series : Add(user.Name);
    }

    private UserSeries Add(string name)
    {
        // A few at a time may pass the bound together, which does no harm.
        if (Volatile.Read(ref _count) >= _options.CurrentValue.MaxUserSeries)
        {
            return _others;
        }

        var made = new UserSeries(name);
        var series = _users.GetOrAdd(name, made);
        if (ReferenceEquals(series, made))
        {
            Interlocked.Increment(ref _count);
        }

        return series;
    }

    private IEnumerable<UserSeries> All()
    {
        foreach (var (_, series) in _users)
        {
            yield return series;
        }

        if (_others.IsUsed)
        {
            yield return _others;
        }
    }

    private IEnumerable<Measurement<long>> Requests() => All().Select(static series => new Measurement<long>(series.Requests, series.Tags));

    private IEnumerable<Measurement<long>> Bytes()
    {
        foreach (var series in All())
        {
            yield return new Measurement<long>(series.BytesIn, series.TagsIn);
            yield return new Measurement<long>(series.BytesOut, series.TagsOut);
        }
    }

    private IEnumerable<Measurement<long>> Refusals()
    {
        foreach (var series in All())
        {
            if (series.Denied is > 0 and var denied)
            {
                yield return new Measurement<long>(denied, series.TagsDenied);
            }

            if (series.Limited is > 0 and var limited)
            {
                yield return new Measurement<long>(limited, series.TagsLimited);
            }
        }
    }
}

/// <summary>The counts of one user.</summary>
internal sealed class UserSeries(string name)
{
    private long _requests;
    private long _bytesIn;
    private long _bytesOut;
    private long _denied;
    private long _limited;

    public KeyValuePair<string, object?>[] Tags { get; } = [new("user", name)];

    public KeyValuePair<string, object?>[] TagsIn { get; } = [new("user", name), new("direction", "in")];

    public KeyValuePair<string, object?>[] TagsOut { get; } = [new("user", name), new("direction", "out")];

    public KeyValuePair<string, object?>[] TagsDenied { get; } = [new("user", name), new("outcome", Ending.Denied.Name())];

    public KeyValuePair<string, object?>[] TagsLimited { get; } = [new("user", name), new("outcome", Ending.Limited.Name())];

    public long Requests => Interlocked.Read(ref _requests);

    public long BytesIn => Interlocked.Read(ref _bytesIn);

    public long BytesOut => Interlocked.Read(ref _bytesOut);

    public long Denied => Interlocked.Read(ref _denied);

    public long Limited => Interlocked.Read(ref _limited);

    public bool IsUsed => Requests > 0 || BytesIn > 0 || BytesOut > 0;

    public void Count(Verdict verdict)
    {
        Interlocked.Increment(ref _requests);
        if (verdict == Verdict.Denied)
        {
            Interlocked.Increment(ref _denied);
        }
        else if (verdict == Verdict.Limited)
        {
            Interlocked.Increment(ref _limited);
        }
    }

    public void Move(long bytesIn, long bytesOut)
    {
        if (bytesIn > 0)
        {
            Interlocked.Add(ref _bytesIn, bytesIn);
        }

        if (bytesOut > 0)
        {
            Interlocked.Add(ref _bytesOut, bytesOut);
        }
    }
}
