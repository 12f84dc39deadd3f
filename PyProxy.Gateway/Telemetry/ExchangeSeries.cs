using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Telemetry;

/// <summary>How an exchange ended, in one word: the tag <c>outcome</c>.</summary>
internal enum Ending
{
    Ok = 0,
    Unauthenticated,
    Denied,
    Limited,
    ClientError,
    GatewayError,
    DestinationError,
    Aborted,

    /// <summary>There were too many combinations of tags to tell this one apart.</summary>
    Overflow,
}

/// <summary>What exchanges are counted apart by.</summary>
internal readonly record struct SeriesKey(
    ListenerRole Role, WayIn WayIn, string? Route, string? Cluster, string? Destination, int Status, Ending Ending, string? ErrorType)
{
    public static SeriesKey Of(Exchange exchange, in ExchangeOutcome outcome) => new(
        exchange.Role,
        exchange.WayIn,
        exchange.Route,
        exchange.Cluster,
        exchange.Route is null ? null : exchange.Destination, // elsewhere it is an address, which strangers choose
        outcome.Status,
        outcome.EndingOf(exchange),
        exchange.Error is { } error ? error.Token ?? StatusTags.Text(error.Status) : null);

    /// <summary>The same without all that there can be many of.</summary>
    public SeriesKey Overflowed() => new(Role, WayIn, null, null, null, 0, Ending.Overflow, null);
}

/// <summary>
/// The counts of exchanges that have all tags in common, and those tags, made once. Counted here and read when metrics are collected: the
/// SDK would hash and compare every tag of every request several times over.
/// </summary>
internal sealed class ExchangeSeries
{
    private long _requests;
    private long _bytesIn;
    private long _bytesOut;

    public ExchangeSeries(in SeriesKey key)
    {
        List<KeyValuePair<string, object?>> tags = [new("role", key.Role.Name()), new("way_in", key.WayIn.Name())];
        Add(tags, "route", key.Route);
        Add(tags, "cluster", key.Cluster);
        Add(tags, "destination", key.Destination);
        if (key.Ending != Ending.Overflow)
        {
            tags.Add(new("http.response.status_code", StatusTags.Boxed(key.Status)));
        }

        tags.Add(new("outcome", key.Ending.Name()));
        Add(tags, "error.type", key.ErrorType);
        Tags = [.. tags];
        TagsIn = [.. tags, new("direction", "in")];
        TagsOut = [.. tags, new("direction", "out")];

        List<KeyValuePair<string, object?>> place = [new("role", key.Role.Name())];
        Add(place, "route", key.Route);
        GatewayTags = [.. place];
        Add(place, "cluster", key.Cluster);
        Add(place, "destination", key.Destination);
        UpstreamTags = [.. place];
    }

    public KeyValuePair<string, object?>[] Tags { get; }

    public KeyValuePair<string, object?>[] TagsIn { get; }

    public KeyValuePair<string, object?>[] TagsOut { get; }

    public KeyValuePair<string, object?>[] GatewayTags { get; }

    public KeyValuePair<string, object?>[] UpstreamTags { get; }

    public long Requests => Interlocked.Read(ref _requests);

    public long BytesIn => Interlocked.Read(ref _bytesIn);

    public long BytesOut => Interlocked.Read(ref _bytesOut);

    public void Count() => Interlocked.Increment(ref _requests);

    public void CountBytes(long bytesIn, long bytesOut)
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

    private static void Add(List<KeyValuePair<string, object?>> tags, string name, string? value)
    {
        if (value is not null)
        {
            tags.Add(new(name, value));
        }
    }
}
