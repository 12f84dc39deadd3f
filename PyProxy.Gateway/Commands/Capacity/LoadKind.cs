namespace PyProxy.Gateway.Commands.Capacity;

/// <summary>What a simulated user does.</summary>
internal enum LoadKind
{
    /// <summary>Requests in absolute form, on one connection to the forward proxy.</summary>
    Plain = 0,

    /// <summary>Requests through a <c>CONNECT</c> tunnel, which is opened anew from time to time.</summary>
    Tunnel,

    /// <summary>The same through SOCKS5.</summary>
    Socks,

    /// <summary>Requests to the reverse proxy, on one connection.</summary>
    Reverse,
}
