namespace PyProxy.Gateway.Egress;

/// <summary>On whose word a destination is dialed; it decides which addresses may be reached.</summary>
internal enum DialPurpose
{
    /// <summary>A client named the destination: every address is vetted by <see cref="AddressPolicy"/>.</summary>
    Forward = 0,

    /// <summary>
    /// The operator wrote the destination into the configuration (clusters, health probes, list sources). Nothing is vetted: services
    /// live on private and loopback addresses, and a cluster may point to another listener of this gateway.
    /// </summary>
    Configured,
}
