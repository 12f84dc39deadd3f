using System.Net;
using System.Text;
using PyProxy.Gateway.Egress.Profiles;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Egress.Upstreams;

/// <summary>What an upstream proxy speaks.</summary>
internal enum UpstreamKind
{
    Http = 0,

    /// <summary>HTTP inside TLS.</summary>
    Https,

    Socks5,
}

/// <summary>One upstream proxy of a pool.</summary>
internal sealed class UpstreamProxy
{
    /// <param name="name">Its configured name, which may be told to clients; its address may not.</param>
    /// <param name="options">Validated.</param>
    /// <param name="health">What is known of it.</param>
    public UpstreamProxy(string name, UpstreamProxyOptions options, UpstreamHealth health)
    {
        Name = name;
        Options = options;
        Health = health;
        Kind = TryParse(options.Address, out var kind, out var address) ? kind : throw new FormatException($"The address of the upstream proxy {name} is none.");
        Address = address;
        Number = StableHash.Of(name.ToLowerInvariant());
        if (options.User is { } user)
        {
            Authorization = "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{options.Password}"));
        }
    }

    public string Name { get; }

    public UpstreamProxyOptions Options { get; }

    public UpstreamKind Kind { get; }

    public HostPort Address { get; }

    public UpstreamHealth Health { get; }

    public int Weight => Options.Weight;

    /// <summary>The name as a number, for what is sticky.</summary>
    public ulong Number { get; }

    /// <summary>The value of <c>Proxy-Authorization</c>; <see langword="null"/> without credentials.</summary>
    public string? Authorization { get; }

    public bool SpeaksHttp => Kind != UpstreamKind.Socks5;

    /// <summary>Reads <c>socks5://host:port</c> and its like.</summary>
    public static bool TryParse(string text, out UpstreamKind kind, out HostPort address)
    {
        (kind, address) = (default, default);
        var colon = text.IndexOf("://", StringComparison.Ordinal);
        if (colon < 0)
        {
            return false;
        }

        (kind, var port) = text[..colon].ToLowerInvariant() switch
        {
            "http" => (UpstreamKind.Http, 3128),
            "https" => (UpstreamKind.Https, 443),
            "socks5" => (UpstreamKind.Socks5, 1080),
            _ => (default, 0),
        };
        var authority = text.AsSpan(colon + 3);
        return port != 0 && HostPort.TryParse(authority.EndsWith("/") ? authority[..^1] : authority, port, out address);
    }

    /// <summary>
    /// Whether it is handed the name of a destination. Not where rules speak of addresses, not for <c>localhost</c>, which would be the upstream
    /// proxy's own, and there is nothing to resolve about an address.
    /// </summary>
    public bool ResolvesFor(HostPort? target, IAddressCondition? condition)
        => Options.TrustedToResolve
            && condition is null
            && target is { } destination
            && !destination.TryGetAddress(out IPAddress? _)
            && !Localhost.IsName(destination.Host);
}
