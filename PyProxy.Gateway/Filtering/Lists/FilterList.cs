using System.Net;
using PyProxy.Gateway.Filtering.Matching;

namespace PyProxy.Gateway.Filtering.Lists;

/// <summary>How it stands with a list.</summary>
/// <param name="Content"><see langword="null"/> while it has never been loaded.</param>
/// <param name="Loaded">When the content was put in force.</param>
/// <param name="Confirmed">When the source last said that the content is the newest; its age counts from there.</param>
/// <param name="IsCopy">Whether the content is the copy on disk, and the source has not been reached since the start.</param>
/// <param name="Error">Why the last attempt failed; <see langword="null"/> when it did not.</param>
/// <param name="Failures">How many attempts in a row have failed.</param>
internal sealed record ListState(
    LoadedList? Content, DateTimeOffset? Loaded, DateTimeOffset? Confirmed, bool IsCopy, string? Error, int Failures)
{
    public static ListState Empty { get; } = new(Content: null, Loaded: null, Confirmed: null, IsCopy: false, Error: null, Failures: 0);
}

/// <summary>A configured list: how it stands with it, and the slot through which rules look at it.</summary>
internal sealed class FilterList(ListSlot slot)
{
    private volatile ListState _state = ListState.Empty;
    private long _hits;

    public string Name => slot.Name;

    public ListState State => _state;

    /// <summary>Look-ups that found an entry.</summary>
    public long Hits => Volatile.Read(ref _hits);

    /// <summary>Whether a host, in canonical spelling, is on the list: by its name, or as an address literal in one of the ranges.</summary>
    public bool ContainsHost(string host) => _state.Content?.ContainsHost(host) == true;

    /// <summary>Puts a state in force, and with it the content, whole.</summary>
    public void Put(ListState state)
    {
        var before = _state.Content;
        _state = state;
        if (state.Content == before)
        {
            return; // to rules another content object means another policy, and new connections
        }

        slot.Swap(state.Content is { } content
            ? new ListContent(content.Names is { } names ? new Names(names, this) : null, content.Addresses is { } addresses ? new Addresses(addresses, this) : null)
            : ListContent.Empty);
    }

    private bool Count(bool found)
    {
        if (found)
        {
            Interlocked.Increment(ref _hits);
        }

        return found;
    }

    private sealed class Names(NameSet names, FilterList list) : IHostList
    {
        public bool Contains(string host) => list.Count(names.Contains(host));
    }

    private sealed class Addresses(AddressSet addresses, FilterList list) : IAddressList
    {
        public bool Contains(IPAddress address) => list.Count(addresses.Contains(address));
    }
}
