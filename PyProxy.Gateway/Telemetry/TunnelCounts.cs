using System.Diagnostics.Metrics;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Telemetry;

/// <summary>Counts of tunnels by the role and the way in that they came by, which do not change while they live.</summary>
internal sealed class TunnelCounts
{
    private static readonly int Ways = Enum.GetValues<WayIn>().Length;

    private static readonly KeyValuePair<string, object?>[][] Places =
    [
        .. from role in Enum.GetValues<ListenerRole>()
           from way in Enum.GetValues<WayIn>()
           select new KeyValuePair<string, object?>[] { new("role", role.Name()), new("way_in", way.Name()) },
    ];

    private readonly Place[] _places = [.. Places.Select(static tags => new Place(tags))];

    public static ReadOnlySpan<KeyValuePair<string, object?>> Tags(Exchange exchange) => Places[IndexOf(exchange)];

    public void Open(Exchange exchange) => Interlocked.Increment(ref _places[IndexOf(exchange)].Opened);

    public void End(Exchange exchange) => Interlocked.Increment(ref _places[IndexOf(exchange)].Ended);

    public void Move(Exchange exchange, long bytesIn, long bytesOut)
    {
        var place = _places[IndexOf(exchange)];
        Interlocked.Add(ref place.BytesIn, bytesIn);
        Interlocked.Add(ref place.BytesOut, bytesOut);
    }

    public IEnumerable<Measurement<long>> Active()
    {
        foreach (var place in Known())
        {
            // In this order: one that opens and ends in between must not count as less than none.
            var ended = Interlocked.Read(ref place.Ended);
            yield return new Measurement<long>(Interlocked.Read(ref place.Opened) - ended, place.Tags);
        }
    }

    public IEnumerable<Measurement<long>> Opened()
    {
        foreach (var place in Known())
        {
            yield return new Measurement<long>(Interlocked.Read(ref place.Opened), place.Tags);
        }
    }

    public IEnumerable<Measurement<long>> Bytes()
    {
        foreach (var place in Known())
        {
            yield return new Measurement<long>(Interlocked.Read(ref place.BytesIn), place.TagsIn);
            yield return new Measurement<long>(Interlocked.Read(ref place.BytesOut), place.TagsOut);
        }
    }

    private static int IndexOf(Exchange exchange) => ((int)exchange.Role * Ways) + (int)exchange.WayIn;

    private IEnumerable<Place> Known() => _places.Where(static place => Interlocked.Read(ref place.Opened) > 0);

    private sealed class Place(KeyValuePair<string, object?>[] tags)
    {
        public long Opened;
        public long Ended;
        public long BytesIn;
        public long BytesOut;

        public KeyValuePair<string, object?>[] Tags { get; } = tags;

        public KeyValuePair<string, object?>[] TagsIn { get; } = [.. tags, new("direction", "in")];

        public KeyValuePair<string, object?>[] TagsOut { get; } = [.. tags, new("direction", "out")];
    }
}
