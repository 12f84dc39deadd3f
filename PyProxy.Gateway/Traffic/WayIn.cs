namespace PyProxy.Gateway.Traffic;

/// <summary>By which of the gateway's doors an exchange came in.</summary>
internal enum WayIn
{
    /// <summary>A request for one of YARP's routes.</summary>
    Reverse = 0,

    /// <summary>A forward-proxy request other than CONNECT (absolute-form over HTTP/1.1; any over HTTP/2).</summary>
    Forward,

    /// <summary>An HTTP CONNECT.</summary>
    Connect,

    /// <summary>A SOCKS5 CONNECT.</summary>
    Socks,

    /// <summary>The admin role.</summary>
    Admin,
}
