using System.ComponentModel;
using PyProxy.Gateway.Sections;
using PyProxy.Gateway.Traffic;
using ConfigurationSection = PyProxy.Gateway.Sections.ConfigurationSection;

namespace PyProxy.Gateway.Configuration;

/// <summary>
/// The gateway's own keys of an entry in <c>Kestrel:Endpoints</c>, beside Kestrel's. They are described here so that a misspelt role
/// is refused: Kestrel would pass over it, and the endpoint would serve another role than was meant.
/// </summary>
internal sealed class EndpointKeys
{
    [Description("What the endpoint is for. Reverse: YARP's routes. Forward: absolute-form requests and CONNECT. Socks: SOCKS5. Admin: health and metrics. Default: Reverse.")]
    public ListenerRole Role { get; init; }

    [Description("Whether clients need not say who they are. Default: false.")]
    public bool AllowAnonymous { get; init; }

    [Description("Says in so many words that a Forward or Socks endpoint on other than a loopback address may let anonymous clients in. Default: false.")]
    public bool AllowOpenProxy { get; init; }
}

/// <summary>Shape and types of <see cref="EndpointKeys"/>; what combines with what is for <see cref="OpenProxyValidator"/>.</summary>
internal sealed class EndpointsSection() : ConfigurationSection("Kestrel:Endpoints", typeof(Dictionary<string, EndpointKeys>))
{
    public override ValueTask ValidateAsync(IConfiguration candidate, ConfigurationErrors errors) => ValueTask.CompletedTask;
}
