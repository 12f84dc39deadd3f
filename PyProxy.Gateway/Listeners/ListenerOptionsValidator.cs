using System.Globalization;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Listeners;

internal sealed class ListenerOptionsValidator : ISectionValidator<ListenerOptions>
{
    private static readonly TimeSpan ShortestTimeout = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestTimeout = TimeSpan.FromMinutes(5);

    public void Validate(ListenerOptions options, string path, ConfigurationErrors errors)
    {
        for (var i = 0; i < options.TrustedProxies.Length; i++)
        {
            if (!TrustedProxies.TryParse(options.TrustedProxies[i], out _))
            {
                errors.Add(
                    string.Create(CultureInfo.InvariantCulture, $"{path}:{nameof(ListenerOptions.TrustedProxies)}:{i}"),
                    $"\"{options.TrustedProxies[i]}\" is neither an address nor a network in CIDR notation such as \"10.0.0.0/8\".");
            }
        }

        CheckTimeout(options.ProxyProtocolTimeout, $"{path}:{nameof(ListenerOptions.ProxyProtocolTimeout)}", errors);
        CheckTimeout(options.SocksHandshakeTimeout, $"{path}:{nameof(ListenerOptions.SocksHandshakeTimeout)}", errors);
    }

    private static void CheckTimeout(TimeSpan timeout, string path, ConfigurationErrors errors)
    {
        if (timeout < ShortestTimeout || timeout > LongestTimeout)
        {
            errors.Add(path, $"{timeout} is out of range: from {ShortestTimeout} to {LongestTimeout}.");
        }
    }
}
