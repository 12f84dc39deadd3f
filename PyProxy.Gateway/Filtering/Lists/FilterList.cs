using System.Net;

namespace PyProxy.Gateway.Filtering.Lists;

/// <summary>How it stands with a list.</summary>
/// <param name="Content"><see langword="null"/> while it has never been loaded.</param>
/// <param name="Loaded">When the content was put in force.</param>
/// <param name="Confirmed">When the source last said that the content is the newest; its age counts from there.</param>
/// <param name="IsCopy">Whether the content is the copy on disk, and the source has not been reached since the start.</param>
/// <param name="Error">Why the last attempt failed; <see langword="null"/> when it did not.</param>
/// <param name="Failures">How many attempts in a row have failed.</param>
internal sealed record ListState(
    ListContent? Content, DateTimeOffset? Loaded, DateTimeOffset? Confirmed, bool IsCopy, string? Error, int Failures)
{
    public static ListState Empty { get; } = new(Content: null, Loaded: null, Confirmed: null, IsCopy: false, Error: null, Failures: 0);
}

/// <summary>A list by its name: what rules hold. The object stays the same when its content is replaced, and when the configuration is.</summary>
internal sealed class FilterList(string name, ListMetrics metrics)
{
    private volatile ListState _state = ListState.Empty;

    public string Name { get; } = name;

    public ListState State => _state;

    /// <summary>Whether a host is on the list: by its name, or as an address literal in one of the ranges. A list that was never loaded has no entries.</summary>
    /// <param name="host">In canonical spelling; empty where none was asked for.</param>
    public bool ContainsHost(string host) => _state.Content?.ContainsHost(host) ?? false;

    /// <summary>Whether an address is in one of the list's ranges.</summary>
    public bool ContainsAddress(IPAddress address) => _state.Content?.ContainsAddress(address) ?? false;

    /// <summary>Counts that the list has decided something.</summary>
    public void Hit() => metrics.Hit(Name);

    internal void Put(ListState state) => _state = state;
}
