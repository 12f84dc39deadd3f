namespace PyProxy.Gateway.Traffic;

/// <summary>Told when an exchange becomes a tunnel, so that open tunnels can be counted while they are open.</summary>
internal interface ITunnelObserver
{
    void OnTunnelEstablished();
}
