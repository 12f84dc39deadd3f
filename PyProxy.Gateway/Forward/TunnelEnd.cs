namespace PyProxy.Gateway.Forward;

/// <summary>What ended a tunnel.</summary>
internal enum TunnelEnd
{
    /// <summary>Both ends had nothing more to say.</summary>
    Completed = 0,

    /// <summary>The client's end broke.</summary>
    ClientReset,

    /// <summary>The destination's end broke.</summary>
    DestinationReset,

    /// <summary>Nothing moved for the idle timeout.</summary>
    Idle,

    /// <summary>Its lifetime was over.</summary>
    Lifetime,

    /// <summary>The gateway stops.</summary>
    Drained,

    /// <summary>An operator ended it.</summary>
    Cut,
}
