namespace PyProxy.Gateway.Resilience;

internal enum TryResult
{
    /// <summary>The destination answered, and the answer goes to the client.</summary>
    Answered = 0,

    /// <summary>The destination answered with a status that counts as its failure.</summary>
    FailureStatus,

    /// <summary>There was no answer, by the destination's fault.</summary>
    Failed,

    /// <summary>No head came within the time for a try.</summary>
    TimedOut,

    /// <summary>Nothing was sent: the destination's circuit breaker is open.</summary>
    Rejected,

    /// <summary>It ended for a reason that says nothing about the destination: the client left, a rule refused, the gateway failed.</summary>
    Abandoned,
}

/// <summary>How a try went.</summary>
/// <param name="Result">What happened.</param>
/// <param name="Again">Whether another try follows; its place in the budget has been taken.</param>
internal readonly record struct TryOutcome(TryResult Result, bool Again = false)
{
    public bool IsDestinationsFault => Result is TryResult.Failed or TryResult.FailureStatus or TryResult.TimedOut;
}
