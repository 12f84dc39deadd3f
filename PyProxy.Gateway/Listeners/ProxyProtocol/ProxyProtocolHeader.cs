using System.Net;

namespace PyProxy.Gateway.Listeners.ProxyProtocol;

/// <summary>What a header conveys.</summary>
/// <param name="Source">
/// The client; <see langword="null"/>: the connection's own addresses stand (LOCAL, UNKNOWN, UNSPEC, not TCP over IP).
/// </param>
/// <param name="Destination">
/// The address that the client connected to; <see langword="null"/> together with <paramref name="Source"/>.
/// </param>
internal readonly record struct ProxyProtocolHeader(IPEndPoint? Source, IPEndPoint? Destination);

internal enum ProxyProtocolParseStatus
{
    /// <summary>The bytes so far may be the beginning of a header.</summary>
    Incomplete = 0,

    Complete,

    /// <summary>No header begins with these bytes.</summary>
    NoHeader,

    /// <summary>A header begins here, and it is wrong.</summary>
    Malformed,

    /// <summary>A header begins here, and it is longer than it may be.</summary>
    Oversized,
}
