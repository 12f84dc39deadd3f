using PyProxy.Gateway.Egress.Profiles;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Egress;

/// <summary>One connection that is asked for.</summary>
/// <param name="Target">The destination.</param>
/// <param name="Purpose">On whose word.</param>
internal readonly record struct DialRequest(HostPort Target, DialPurpose Purpose)
{
    /// <summary>How names are resolved and which of their addresses are used; <see langword="null"/> = as for what leaves directly.</summary>
    public EgressProfile? Profile { get; init; }

    /// <summary>Where the connection leaves from; of no meaning without a profile.</summary>
    public SourcePair Source { get; init; }

    /// <summary>What rules say of the addresses; <see langword="null"/> = nothing.</summary>
    public IAddressCondition? Condition { get; init; }

    /// <summary>For somebody who has other destinations to turn to: one try, this long. Zero = the tries and times that are configured.</summary>
    public TimeSpan OnlyTry { get; init; }
}
