using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Users.Schemes;

/// <summary>What came of looking for a proof of who asks.</summary>
internal enum ProofOutcome
{
    /// <summary>There was none.</summary>
    None = 0,

    /// <summary>It is known who asks.</summary>
    Accepted,

    /// <summary>The proof was not right.</summary>
    Rejected,

    /// <summary>It was not of a form that could be right.</summary>
    Malformed,

    /// <summary>A proxy's client tried a scheme that is not open here.</summary>
    Unsupported,

    /// <summary>It was not looked at: there were too many wrong ones before.</summary>
    Limited,
}

/// <summary>Who asks, or why nobody knows.</summary>
internal readonly record struct Proof
{
    public ProofOutcome Outcome { get; private init; }

    /// <summary>Set when accepted.</summary>
    public KnownUser? User { get; private init; }

    /// <summary>Name of the scheme; <see langword="null"/> where none was recognised.</summary>
    public string? Scheme { get; private init; }

    /// <summary>For the log, never from what the client sent.</summary>
    public string? Reason { get; private init; }

    public TimeSpan RetryAfter { get; private init; }

    /// <summary>The name that was tried, for the log; whatever the client sent.</summary>
    public string? UserName { get; init; }

    /// <summary>A client that showed something which is not accepted is not an anonymous one.</summary>
    public bool IsFailure => Outcome > ProofOutcome.Accepted;

    public static Proof Of(UserScheme scheme, KnownUser user) => Of(SchemeNames.Of(scheme), user);

    public static Proof Of(string scheme, KnownUser user) => new() { Outcome = ProofOutcome.Accepted, Scheme = scheme, User = user };

    public static Proof Rejected(UserScheme scheme, string reason) => Rejected(SchemeNames.Of(scheme), reason);

    public static Proof Rejected(string scheme, string reason) => new() { Outcome = ProofOutcome.Rejected, Scheme = scheme, Reason = reason };

    public static Proof Malformed(UserScheme scheme) => new() { Outcome = ProofOutcome.Malformed, Scheme = SchemeNames.Of(scheme), Reason = "malformed" };

    public static Proof Unsupported { get; } = new() { Outcome = ProofOutcome.Unsupported, Reason = "scheme not open here" };

    public static Proof Limited(string scheme, TimeSpan retryAfter)
        => new() { Outcome = ProofOutcome.Limited, Scheme = scheme, Reason = "too many attempts", RetryAfter = retryAfter };
}
