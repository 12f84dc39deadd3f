namespace PyProxy.Gateway.Limits;

/// <summary>Where the counts of limits live: in memory, or where several gateways share them.</summary>
internal interface ILimiterEngine
{
    /// <summary>
    /// One decision for one request over all limits of all plans that apply to it. Every limit that can is charged, also when another refuses:
    /// refused requests consume permits, or hammering would be free. What is held (concurrency, tunnels) is held only when all allow it.
    /// Completes synchronously in memory.
    /// </summary>
    /// <param name="attempt">
    /// The question. The engine may keep in it what it needs for <see cref="Release"/>; after a decision that allows and says
    /// <see cref="LimitAttempt.HoldsPermits"/> that will be called exactly once.
    /// </param>
    /// <param name="cancellationToken">Cancelled when the client has gone.</param>
    ValueTask<LimitDecision> AcquireAsync(LimitAttempt attempt, CancellationToken cancellationToken);

    /// <summary>Gives back what <paramref name="attempt"/> holds. Neither waits nor throws.</summary>
    void Release(LimitAttempt attempt);
}
