namespace PyProxy.Gateway.Traffic;

/// <summary>
/// Feature of a connection whose client does not speak HTTP and so cannot be answered with a status (SOCKS5). Whoever writes a refusal to the
/// HTTP response tells it here as well; the way in answers in its own protocol's terms. Absent on HTTP connections.
/// </summary>
internal interface ITunnelRefusalFeature
{
    /// <summary>Says why no tunnel was opened. The last call counts.</summary>
    void Refuse(ProxyError error);
}
