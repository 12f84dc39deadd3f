using System.Net;
using System.Net.Sockets;

namespace PyProxy.Gateway.Egress.Profiles;

/// <summary>Where one exchange's connections leave from: an address for each family, or nothing said.</summary>
internal readonly record struct SourcePair(IPAddress? V4, IPAddress? V6)
{
    /// <summary>The pair of a single address; of none where it is <see langword="null"/>.</summary>
    public static SourcePair Of(IPAddress? address) => address switch
    {
        null => default,
        { AddressFamily: AddressFamily.InterNetwork } => new SourcePair(address, null),
        _ => new SourcePair(null, address),
    };

    /// <summary>Whether the operating system chooses.</summary>
    public bool IsOpen => V4 is null && V6 is null;

    public override string ToString() => IsOpen ? "" : string.Join(", ", new[] { V4, V6 }.OfType<IPAddress>());

    public IPAddress? For(AddressFamily family) => family == AddressFamily.InterNetwork ? V4 : V6;

    /// <summary>Whether a destination of this family can be reached.</summary>
    public bool Reaches(AddressFamily family) => IsOpen || For(family) is not null;
}

/// <summary>A profile's source addresses, and whose turn it is.</summary>
internal sealed class SourceAddresses(IReadOnlyList<IPAddress> addresses, SourceSelection selection)
{
    private readonly IPAddress[] _v4 = [.. addresses.Where(static a => a.AddressFamily == AddressFamily.InterNetwork)];
    private readonly IPAddress[] _v6 = [.. addresses.Where(static a => a.AddressFamily == AddressFamily.InterNetworkV6)];
    private long _turn = -1;

    public IReadOnlyList<IPAddress> All { get; } = addresses;

    /// <summary>Whether every exchange leaves the same way.</summary>
    public bool AreFixed => _v4.Length <= 1 && _v6.Length <= 1;

    /// <summary>Chooses, and with it takes a turn.</summary>
    public SourcePair Choose(string user, string host)
        => AreFixed ? At(0) : At(selection == SourceSelection.RoundRobin ? (ulong)Interlocked.Increment(ref _turn) : Number(user, host));

    /// <summary>What <see cref="Choose"/> would say now; nothing changes. Of random choices any.</summary>
    public SourcePair Peek(string user, string host)
        => AreFixed ? At(0) : At(selection == SourceSelection.RoundRobin ? (ulong)(Interlocked.Read(ref _turn) + 1) : Number(user, host));

    private ulong Number(string user, string host) => selection switch
    {
        SourceSelection.StickyPerUser => StableHash.Of(user),
        SourceSelection.StickyPerTarget => StableHash.Of(host),
        _ => (ulong)Random.Shared.NextInt64(long.MaxValue),
    };

    private SourcePair At(ulong number) => new(At(_v4, number), At(_v6, number));

    private static IPAddress? At(IPAddress[] addresses, ulong number)
        => addresses.Length == 0 ? null : addresses[(int)(number % (ulong)addresses.Length)];
}
