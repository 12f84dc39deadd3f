namespace PyProxy.Gateway.Traffic;

/// <summary>Whose fault it was that an exchange did not go well.</summary>
internal enum Fault
{
    /// <summary>The client asked for something it may not have, or asked badly.</summary>
    Client,

    /// <summary>The gateway itself: its configuration, its limits, a bug.</summary>
    Gateway,

    /// <summary>The destination, or the way to it.</summary>
    Destination,
}

/// <summary>
/// Why an exchange ends with an answer of the gateway's own. One value carries everything that an answer, a log line and a metric need;
/// how it is written (HTTP, SOCKS) is the business of the way in.
/// </summary>
/// <param name="Status">HTTP status.</param>
/// <param name="Token">Error token of <c>Proxy-Status</c> (RFC 9209 §2.3), or <see langword="null"/> where none fits.</param>
/// <param name="Fault">Whose fault it was.</param>
/// <param name="Detail">One sentence for the person who reads the answer; never a secret, never an internal address.</param>
internal sealed record ProxyError(int Status, string? Token, Fault Fault, string Detail)
{
    /// <summary>The rule or limit that decided, by its configured name.</summary>
    public string? DecidedBy { get; init; }

    /// <summary>The setting that would allow what was refused, as a configuration path.</summary>
    public string? Setting { get; init; }

    /// <summary>The next proxy on the way, by its configured name; the parameter <c>next-hop</c> of <c>Proxy-Status</c>.</summary>
    public string? NextHop { get; init; }

    /// <summary>What that one answered; <c>received-status</c>.</summary>
    public int? ReceivedStatus { get; init; }

    /// <summary>File of the template that a page for browsers is made from, in place of the configured one.</summary>
    public string? Page { get; init; }

    /// <summary>Whether <see cref="Detail"/> is in the operator's own words, which no general text replaces.</summary>
    public bool IsOperatorsText { get; init; }

    /// <summary>After how long it is worth another try; becomes <c>Retry-After</c> in whole seconds, rounded up.</summary>
    public TimeSpan? RetryAfter { get; init; }
}
