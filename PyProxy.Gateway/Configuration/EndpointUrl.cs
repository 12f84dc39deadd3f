using System.Net;

namespace PyProxy.Gateway.Configuration;

/// <summary>What an endpoint's <c>Url</c> makes Kestrel listen on.</summary>
internal static class EndpointUrl
{
    /// <summary>Anything but a loopback address or <c>localhost</c> makes Kestrel listen on every address, a wrong name included.</summary>
    public static bool IsLoopback(string? url)
    {
        if (string.IsNullOrEmpty(url))
        {
            return false;
        }

        BindingAddress address;
        try
        {
            address = BindingAddress.Parse(url);
        }
        catch (FormatException)
        {
            return false; // Kestrel refuses it with a message of its own
        }

        return address.IsUnixPipe
            || address.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            || (IPAddress.TryParse(address.Host.Trim('[', ']'), out var ip) && IPAddress.IsLoopback(ip));
    }
}
