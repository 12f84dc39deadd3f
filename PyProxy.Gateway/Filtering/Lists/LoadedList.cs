using System.Net;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Filtering.Lists;

/// <summary>A line that was left out.</summary>
/// <param name="Number">From 1.</param>
/// <param name="IsUnsupported">The format has such lines, the gateway has no use for them; otherwise the line is no line of the format.</param>
internal readonly record struct LeftOutLine(long Number, bool IsUnsupported);

/// <summary>What reading a list found.</summary>
/// <param name="Lines">Lines in all.</param>
/// <param name="Entries">Different names, or ranges once merged.</param>
/// <param name="Unsupported">Lines that the format has and the gateway does not support.</param>
/// <param name="Invalid">Lines that are no lines of the format.</param>
/// <param name="FirstLeftOut">The first of both, at most <see cref="ListReader.MaxReported"/>.</param>
internal sealed record ListSummary(long Lines, int Entries, long Unsupported, long Invalid, IReadOnlyList<LeftOutLine> FirstLeftOut);

/// <summary>A list as it was read. Immutable; another one takes its place whole.</summary>
internal sealed class LoadedList(NameSet names, AddressSet addresses, ListSummary summary)
{
    /// <summary><see langword="null"/> where the list has none.</summary>
    public NameSet? Names { get; } = names.Count > 0 ? names : null;

    /// <summary><see langword="null"/> where the list has none.</summary>
    public AddressSet? Addresses { get; } = addresses.Count > 0 ? addresses : null;

    public ListSummary Summary { get; } = summary;

    /// <summary>Memory held.</summary>
    public long Bytes => names.Bytes + addresses.Bytes;

    /// <summary>Whether a host, in canonical spelling, is on the list: by its name, or as an address in one of the ranges.</summary>
    public bool ContainsHost(string host)
        => Names?.Contains(host) == true || (Addresses is not null && new HostPort(host, 1).TryGetAddress(out var address) && Addresses.Contains(address));

    public bool ContainsAddress(IPAddress address) => Addresses?.Contains(address) == true;
}
