namespace PyProxy.Gateway.Commands.Capacity;

/// <summary>What the operator asked for, checked.</summary>
internal sealed record LoadPlan
{
    public required LoadMix Mix { get; init; }

    public required LoadUsers Users { get; init; }

    /// <summary>The forward proxy; for plain requests and tunnels.</summary>
    public LoadAddress? Forward { get; init; }

    public LoadAddress? Socks { get; init; }

    /// <summary>The reverse proxy, with the path that is asked for.</summary>
    public LoadAddress? Reverse { get; init; }

    /// <summary>What is asked for through the forward proxy and through tunnels.</summary>
    public LoadAddress? Target { get; init; }

    /// <summary>Admin endpoint that metrics are read from.</summary>
    public Uri? Admin { get; init; }

    /// <summary>How often each user asks.</summary>
    public required TimeSpan Interval { get; init; }

    /// <summary>Requests through a tunnel before a user opens another one.</summary>
    public required int RequestsPerTunnel { get; init; }

    public required int StartUsers { get; init; }

    public required int MaxUsers { get; init; }

    /// <summary>How long each number of users is measured.</summary>
    public required TimeSpan Stage { get; init; }

    public required TimeSpan RequestTimeout { get; init; }

    public required TimeSpan P99Target { get; init; }

    /// <summary>Share of requests that may fail, 0 to 1.</summary>
    public required double ErrorTarget { get; init; }

    /// <summary>How many users there are to be served, for the number of replicas; <see langword="null"/> = not said.</summary>
    public int? WantedUsers { get; init; }

    public IEnumerable<LoadAddress> Addresses => new[] { Forward, Socks, Reverse, Target }.OfType<LoadAddress>();

    public LoadAddress EntryOf(LoadKind kind) => kind switch
    {
        LoadKind.Socks => Socks!,
        LoadKind.Reverse => Reverse!,
        _ => Forward!,
    };
}
