namespace PyProxy.Gateway.Traffic;

/// <summary>What a listener is for: the <c>Role</c> key of an entry in <c>Kestrel:Endpoints</c>.</summary>
internal enum ListenerRole
{
    /// <summary>YARP's routes. Also every listener without a <c>Role</c>.</summary>
    Reverse = 0,

    /// <summary>Absolute-form requests and CONNECT.</summary>
    Forward,

    /// <summary>SOCKS5, RFC 1928.</summary>
    Socks,

    /// <summary>Health, metrics and the admin API.</summary>
    Admin,
}
