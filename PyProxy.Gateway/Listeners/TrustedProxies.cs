using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Options;

namespace PyProxy.Gateway.Listeners;

/// <summary>
/// Whose word about the client's address is believed: <see cref="ListenerOptions.TrustedProxies"/>, compiled, following reloads.
/// </summary>
internal sealed class TrustedProxies : IDisposable
{
    private readonly IDisposable? _subscription;
    private volatile IPNetwork[] _networks;

    public TrustedProxies(IOptionsMonitor<ListenerOptions> options)
    {
        _networks = Compile(options.CurrentValue);
        _subscription = options.OnChange(changed => _networks = Compile(changed));
    }

    /// <summary>Whether the other end of a connection is a trusted proxy.</summary>
    /// <remarks>A Unix domain socket has no address; who may connect to it, its file's permissions have decided already.</remarks>
    public bool Contains(EndPoint? endPoint) => endPoint switch
    {
        IPEndPoint ip => Contains(ip.Address),
        UnixDomainSocketEndPoint => true,
        _ => false,
    };

    public bool Contains(IPAddress address)
    {
        // A dual-stack listener shows IPv4 clients as ::ffff:a.b.c.d; who writes 10.0.0.0/8 means them.
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        foreach (var network in _networks)
        {
            if (network.Contains(plain))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Parses an address, or a network in CIDR notation. Bits behind the prefix are ignored, as nginx and HAProxy do.</summary>
    public static bool TryParse(string? text, out IPNetwork network)
    {
        network = default;
        var span = text.AsSpan();
        var slash = span.IndexOf('/');
        if (!IPAddress.TryParse(slash < 0 ? span : span[..slash], out var address) || span.Contains('%') || span.Contains('['))
        {
            return false;
        }

        var bits = address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128;
        var length = bits;
        if (slash >= 0
            && (!int.TryParse(span[(slash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out length) || length > bits))
        {
            return false;
        }

        if (address.IsIPv4MappedToIPv6)
        {
            if (length < 96)
            {
                return false; // neither an IPv4 network nor one that an IPv6 client could come from
            }

            address = address.MapToIPv4();
            length -= 96;
        }

        network = new IPNetwork(Mask(address, length), length);
        return true;
    }

    public void Dispose() => _subscription?.Dispose();

    private static IPNetwork[] Compile(ListenerOptions options)
    {
        var networks = new List<IPNetwork>(options.TrustedProxies.Length);
        foreach (var text in options.TrustedProxies)
        {
            // Validation refuses what does not parse before it gets here.
            if (TryParse(text, out var network))
            {
                networks.Add(network);
            }
        }

        return [.. networks];
    }

    private static IPAddress Mask(IPAddress address, int length)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var count);
        for (var i = 0; i < count; i++)
        {
            var kept = Math.Clamp(length - (i * 8), 0, 8);
            bytes[i] &= (byte)(0xFF << (8 - kept));
        }

        return new IPAddress(bytes[..count]);
    }
}
