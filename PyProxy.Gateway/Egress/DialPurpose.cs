namespace PyProxy.Gateway.Egress;

/// <summary>On whose word a destination is dialed; it decides which addresses may be reached.</summary>
internal enum DialPurpose
{
    /// <summary>A client named the destination: every address is vetted by <see cref="AddressPolicy"/>.</summary>
    Forward = 0,

    /// <summary>
    /// The operator wrote the destination into the configuration (clusters, health probes). Nothing is vetted: services
    /// live on private and loopback addresses, and a cluster may point to another listener of this gateway.
    /// </summary>
    Configured,

    /// <summary>The operator wrote the URL of something that the gateway itself fetches. Not vetted, like <see cref="Configured"/>.</summary>
    Download,

    /// <summary>A download was redirected there: somebody else named the destination, so it is vetted as a client's would be.</summary>
    DownloadRedirect,

    /// <summary>
    /// The operator named an upstream proxy. It may live anywhere but here: a listener of this gateway as its own parent would be a loop.
    /// </summary>
    Upstream,
}
