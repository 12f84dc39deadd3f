using System.Net;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Filtering.Matching;

/// <summary>
/// What rules may ask about one exchange. Made from a request on its way, or from a question without traffic: the rules cannot tell the difference.
/// </summary>
internal readonly struct Facts
{
    public KnownUser? Account { get; init; }

    /// <summary>IPv4 as such, never mapped into IPv6.</summary>
    public IPAddress? Client { get; init; }

    public string? Endpoint { get; init; }

    public required WayIn WayIn { get; init; }

    /// <summary><see langword="null"/> for a tunnel.</summary>
    public string? Scheme { get; init; }

    public required string Method { get; init; }

    /// <summary>In canonical spelling; empty where the client named none (HTTP/1.0).</summary>
    public required string Host { get; init; }

    /// <summary>0 where there is none.</summary>
    public int Port { get; init; }

    /// <summary>Whether <see cref="Path"/> and <see cref="Query"/> are known.</summary>
    public bool HasPath { get; init; }

    /// <summary>Decoded, in the spelling that patterns are written for.</summary>
    public ReadOnlyMemory<char> Path { get; init; }

    /// <summary>Decoded, without the question mark.</summary>
    public ReadOnlyMemory<char> Query { get; init; }

    /// <summary><see langword="null"/> where the way in has none (SOCKS).</summary>
    public IHeaderDictionary? Headers { get; init; }

    public long? BodySize { get; init; }

    public required DateTimeOffset Now { get; init; }

    /// <summary>The address that would be dialed; <see langword="null"/> before the dialer asks.</summary>
    public IPAddress? Address { get; init; }

    /// <summary>What the conditions about the address are supposed to say, a bit for each; <see langword="null"/> = ask them.</summary>
    public uint? SupposedAddress { get; init; }

    /// <summary>0 before the destination has answered.</summary>
    public int Status { get; init; }

    public IHeaderDictionary? ResponseHeaders { get; init; }

    public long? ResponseSize { get; init; }

    public bool IsTunnel => WayIn is WayIn.Connect or WayIn.Socks;

    public bool IsForward => WayIn is WayIn.Forward or WayIn.Connect or WayIn.Socks;
}
