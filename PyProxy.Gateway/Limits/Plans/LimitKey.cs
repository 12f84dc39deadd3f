namespace PyProxy.Gateway.Limits.Plans;

/// <summary>By what the counts of a limit are told apart; several together mean their combination.</summary>
[Flags]
internal enum LimitKey
{
    /// <summary>One count for everybody.</summary>
    None = 0,

    /// <summary>The user; without one the client's address, so that no anonymous client is without limits.</summary>
    User = 1,

    /// <summary>The client's address; IPv6 by /64, of which one host can have every address.</summary>
    Address = 2,

    /// <summary>YARP's route; what comes by a forward way in counts as one.</summary>
    Route = 4,

    /// <summary>The host that the client asks for.</summary>
    Host = 8,
}
