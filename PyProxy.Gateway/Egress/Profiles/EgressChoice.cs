using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Egress.Profiles;

/// <summary>How one exchange leaves: what <see cref="EgressChooser"/> has decided of it.</summary>
/// <param name="profile">The profile.</param>
/// <param name="source">Where its connections leave from.</param>
/// <param name="condition">What rules say of the addresses; <see langword="null"/> = nothing.</param>
internal sealed class EgressChoice(EgressProfile profile, SourcePair source, IAddressCondition? condition = null)
{
    /// <summary>Where a request carries its choice; without one it leaves like everybody's.</summary>
    public static readonly HttpRequestOptionsKey<EgressChoice> Key = new("PyProxy.Gateway.EgressChoice");

    public EgressProfile Profile { get; } = profile;

    public SourcePair Source { get; } = source;

    public IAddressCondition? Condition { get; } = condition;

    /// <summary>The pool of connections that it belongs to, where it leaves without an upstream proxy.</summary>
    public ConnectionPoolKey Pool { get; } = new(profile, source, Condition: condition);

    /// <summary>Whether it is what holds for a request that carries none.</summary>
    public bool IsUsual => Profile.IsDirect && ReferenceEquals(this, Profile.Plain);

    /// <summary>Who asks, for what is sticky: the user, or else the client's address.</summary>
    public string User { get; init; } = "";

    /// <summary>Learns which upstream proxy was taken, and holds its place until the end; <see langword="null"/> for what is nobody's exchange.</summary>
    public Exchange? Exchange { get; init; }
}
