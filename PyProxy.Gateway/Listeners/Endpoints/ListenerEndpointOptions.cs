using System.ComponentModel;
using PyProxy.Gateway.Listeners.ProxyProtocol;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Listeners.Endpoints;

/// <summary>
/// The gateway's own keys of an entry in <c>Kestrel:Endpoints</c>, beside Kestrel's. They are described here so that a misspelt role
/// is refused: Kestrel would pass over it, and the endpoint would serve another role than was meant.
/// </summary>
internal sealed class ListenerEndpointOptions
{
    [Description("What the endpoint is for. Reverse: YARP's routes. Forward: absolute-form requests and CONNECT. Socks: SOCKS5. Admin: health and metrics. Default: Reverse.")]
    public ListenerRole Role { get; init; }

    [Description("Whether clients need not say who they are. Default: false.")]
    public bool AllowAnonymous { get; init; }

    [Description("The ways to prove who one is that are open here: Basic, ApiKey, Bearer, ClientCertificate, ClientAddress. SOCKS5 has its user and "
        + "password in any case, and ClientAddress where it is listed. Default: Basic, Bearer, ClientCertificate and ClientAddress.")]
    public UserScheme[] AuthenticationSchemes { get; init; } = [];

    [Description("Says in so many words that a Forward or Socks endpoint on other than a loopback address may let anonymous clients in. Default: false.")]
    public bool AllowOpenProxy { get; init; }

    [Description("Name of a plan in Gateway:Plans that applies to everything that comes in here, besides those of users and routes. Default: none.")]
    public string? Plan { get; init; }

    [Description("What is done about the trace context that clients send (traceparent, tracestate, baggage). Continue: their trace goes on, and their "
        + "choice to record it counts. New: a trace begins here; on Reverse endpoints their fields go no further. Default: Continue on Reverse and "
        + "Admin endpoints, New on Forward and Socks.")]
    public TraceContext? TraceContext { get; init; }

    [Description("What is done about PROXY protocol headers (versions 1 and 2) of Gateway:Listeners:TrustedProxies. Off: they are not looked for. "
        + "Optional: used where one comes. Required: connections without one, or from anybody else, are closed. Default: Off.")]
    public ProxyProtocolMode ProxyProtocol { get; init; }

    [Description("PEM files with the certificate authorities that client certificates must come from, in place of the machine's own; relative "
        + "paths are below the working directory. Needs an https URL and a ClientCertificateMode. Default: none.")]
    public string[] ClientCertificateAuthorities { get; init; } = [];
}
