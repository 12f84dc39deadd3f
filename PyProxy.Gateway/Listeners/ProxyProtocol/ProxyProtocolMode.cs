namespace PyProxy.Gateway.Listeners.ProxyProtocol;

/// <summary>What an endpoint does about PROXY protocol: the <c>ProxyProtocol</c> key of an entry in <c>Kestrel:Endpoints</c>.</summary>
internal enum ProxyProtocolMode
{
    /// <summary>A header is not looked for; one that comes is data.</summary>
    Off = 0,

    /// <summary>
    /// A header from a trusted sender is used; connections without one, and those of other senders, are taken as they are.
    /// </summary>
    Optional,

    /// <summary>Connections without a header, and those of senders that are not trusted, are closed.</summary>
    Required,
}
