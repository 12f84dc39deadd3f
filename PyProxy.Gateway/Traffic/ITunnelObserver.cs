namespace PyProxy.Gateway.Traffic;

/// <summary>Told when an exchange becomes a tunnel, and when one that has outlived its request ends.</summary>
internal interface ITunnelObserver
{
    void OnTunnelEstablished();

    /// <summary>Not called for a tunnel inside its request (HTTP/2), which ends with it.</summary>
    void OnTunnelEnded();
}
