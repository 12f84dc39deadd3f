using System.Collections.Concurrent;
using System.Net;

namespace PyProxy.Gateway.Filtering.Matching;

/// <summary>Hosts that a list has. Immutable: a list that has been read anew is another object.</summary>
internal interface IHostList
{
    /// <param name="host">In canonical spelling (<see cref="Traffic.HostPort"/>).</param>
    bool Contains(string host);
}

/// <summary>Addresses that a list has.</summary>
internal interface IAddressList
{
    /// <param name="address">IPv4 as such, never mapped into IPv6.</param>
    bool Contains(IPAddress address);
}

/// <summary>The place of a list by its name: rules keep it, whoever reads lists fills it. Empty until it is filled.</summary>
internal sealed class ListSlot(string name)
{
    public string Name { get; } = name;

    /// <summary>What is in force. Read once per question: it may be swapped at any time.</summary>
    public ListContent Content => _content;

    private volatile ListContent _content = ListContent.Empty;

    /// <summary>Puts another content in force, whole. Connections made under another one are not used again by rules about addresses.</summary>
    public void Swap(ListContent content) => _content = content;
}

/// <param name="Hosts">Names; <see langword="null"/> where the list has none.</param>
/// <param name="Addresses">Addresses; <see langword="null"/> where the list has none.</param>
internal sealed record ListContent(IHostList? Hosts, IAddressList? Addresses)
{
    public static ListContent Empty { get; } = new(Hosts: null, Addresses: null);
}

/// <summary>All lists by name; names are not case-sensitive, like every configuration key.</summary>
internal sealed class ListRegistry
{
    private readonly ConcurrentDictionary<string, ListSlot> _slots = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The slot of a name; the same one for ever, whether rules or lists ask first.</summary>
    public ListSlot Slot(string name) => _slots.GetOrAdd(name, static key => new ListSlot(key));
}
