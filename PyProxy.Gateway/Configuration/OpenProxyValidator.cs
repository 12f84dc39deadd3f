using PyProxy.Gateway.Sections;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Configuration;

/// <summary>
/// Refuses a proxy that anybody on the network may use without a name, unless the configuration says in so many words that it is meant.
/// Open proxies are found and abused within hours.
/// </summary>
internal sealed class OpenProxyValidator : ICrossSectionValidator
{
    public void Validate(IConfiguration candidate, ConfigurationErrors errors)
    {
        foreach (var endpoint in candidate.GetSection("Kestrel:Endpoints").GetChildren())
        {
            if (!Enum.TryParse<ListenerRole>(endpoint["Role"], ignoreCase: true, out var role)
                || role is not (ListenerRole.Forward or ListenerRole.Socks)
                || !IsTrue(endpoint["AllowAnonymous"])
                || IsTrue(endpoint["AllowOpenProxy"])
                || EndpointUrl.IsLoopback(endpoint["Url"]))
            {
                continue;
            }

            errors.Add(
                endpoint.GetSection("AllowAnonymous").Path,
                $"lets everyone who can reach {endpoint["Url"]} use this proxy; bind it to loopback, remove \"AllowAnonymous\", "
                + "or set \"AllowOpenProxy\": true beside it if that is meant");
        }
    }

    private static bool IsTrue(string? value) => bool.TryParse(value, out var set) && set;
}
