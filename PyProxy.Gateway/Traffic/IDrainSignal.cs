namespace PyProxy.Gateway.Traffic;

/// <summary>How the gateway's shutdown looks to those who hold something open. Tokens are cancelled once and never taken back.</summary>
internal interface IDrainSignal
{
    /// <summary>The gateway has been told to stop; readiness is off. What runs may go on, nothing long-lived should begin.</summary>
    CancellationToken Draining { get; }

    /// <summary>Tunnels that are still open must end now; their time (<c>Gateway:Shutdown:TunnelTimeout</c>) is over.</summary>
    CancellationToken TunnelDeadline { get; }
}
