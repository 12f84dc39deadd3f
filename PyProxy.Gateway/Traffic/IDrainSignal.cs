namespace PyProxy.Gateway.Traffic;

/// <summary>How the gateway's shutdown looks to those who hold something open. Tokens are cancelled once and never taken back.</summary>
internal interface IDrainSignal
{
    /// <summary>The gateway has been told to stop; readiness is off, and listeners still accept. What comes is served, and told to go elsewhere next.</summary>
    CancellationToken Draining { get; }

    /// <summary>Listeners have stopped accepting: load balancers have had their time. What runs may go on, nothing long-lived should begin.</summary>
    CancellationToken Closing { get; }

    /// <summary>Tunnels that are still open must end now; their time (<c>Gateway:Shutdown:TunnelTimeout</c>) is over.</summary>
    CancellationToken TunnelDeadline { get; }
}
