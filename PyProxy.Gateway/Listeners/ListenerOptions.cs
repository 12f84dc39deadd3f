using System.ComponentModel;

namespace PyProxy.Gateway.Listeners;

/// <summary>
/// <c>Gateway:Listeners</c>: what happens on a connection before HTTP begins. Which endpoint does what is said in <c>Kestrel:Endpoints</c>.
/// </summary>
internal sealed class ListenerOptions
{
    public const string Section = "Gateway:Listeners";

    [Description("Addresses and networks in CIDR notation (\"10.0.0.0/8\", \"2001:db8::1\") whose word about the client's "
        + "address is believed: in a PROXY protocol header and in X-Forwarded-* and Forwarded fields. Default: none.")]
    public string[] TrustedProxies { get; init; } = [];

    [Description("How long a connection may take to deliver its whole PROXY protocol header, as a time span from 00:00:00.1 to "
        + "00:05:00. Default: 00:00:05.")]
    public TimeSpan ProxyProtocolTimeout { get; init; } = TimeSpan.FromSeconds(5);

    [Description("How long a SOCKS5 client may take from the accept to its complete request, verification of its password included, as a "
        + "time span from 00:00:00.1 to 00:05:00. Default: 00:00:10.")]
    public TimeSpan SocksHandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);
}
