using System.Net;

namespace PyProxy.Gateway.Commands.Capacity;

/// <summary>Where simulated users connect to.</summary>
internal sealed record LoadAddress(Uri Uri, bool AcceptAnyCertificate)
{
    public string Host => Uri.IdnHost;

    public string Authority => $"{(Uri.HostNameType == UriHostNameType.IPv6 ? $"[{Uri.IdnHost}]" : Uri.IdnHost)}:{Uri.Port}";

    public bool Tls => Uri.Scheme == Uri.UriSchemeHttps;

    /// <summary>Whether the traffic stays on this machine. A name other than localhost may lead anywhere.</summary>
    public bool IsLoopback => Uri.IdnHost == "localhost" || (IPAddress.TryParse(Uri.IdnHost, out var address) && IPAddress.IsLoopback(address));

    public EndPoint EndPoint { get; } = Uri.IdnHost == "localhost"
        ? new IPEndPoint(IPAddress.Loopback, Uri.Port)
        : IPAddress.TryParse(Uri.IdnHost, out var address) ? new IPEndPoint(address, Uri.Port) : new DnsEndPoint(Uri.IdnHost, Uri.Port);
}
