using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Listeners.Endpoints;

/// <summary>One endpoint of the configuration, or one address of <c>--urls</c>; the feature on each of its connections.</summary>
internal sealed class Listener(string name, ListenerEndpointOptions options, string url, ListenOptions? bound = null) : IListenerFeature
{
    private readonly BindingAddress _address = BindingAddress.Parse(url);

    public string Name { get; } = name;

    public ListenerRole Role => options.Role;

    public bool AllowAnonymous => options.AllowAnonymous;

    public UserSchemeSet? Schemes { get; } = options.AuthenticationSchemes is { Length: > 0 } schemes ? UserSchemeSet.Of(schemes) : null;

    public string? Plan => options.Plan;

    public TraceContext? TraceContext => options.TraceContext;

    /// <summary>How TLS is spoken; <see langword="null"/> where it is not.</summary>
    public HttpsConnectionAdapterOptions? Tls { get; init; }

    /// <summary>Kestrel binds both loopback addresses for it.</summary>
    public bool IsLocalhost => _address.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase);

    /// <summary>As bound, where the configuration leaves the choice of a port to the system; <see langword="null"/> for a Unix domain socket.</summary>
    public IPEndPoint? EndPoint => bound is not null ? bound.IPEndPoint
        : _address.IsUnixPipe ? null
        : new IPEndPoint(
            IsLocalhost ? IPAddress.Loopback : IPAddress.TryParse(_address.Host, out var ip) ? ip : IPAddress.IPv6Any,
            _address.Port);

    public int Port => EndPoint?.Port ?? 0;

    /// <summary>The configured URL with the port in force.</summary>
    public string Url => EndPoint is { Port: var port } && port != _address.Port
        ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{_address.Scheme}://{_address.Host}:{port}")
        : url;
}
