using System.Globalization;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Reverse.Discovery;

internal sealed class DiscoveryOptionsValidator : ISectionValidator<DiscoveryOptions>
{
    public void Validate(DiscoveryOptions options, string path, ConfigurationErrors errors)
    {
        if (options.Refresh < TimeSpan.FromSeconds(1) || options.Refresh > TimeSpan.FromHours(1))
        {
            errors.Add(
                $"{path}:{nameof(options.Refresh)}",
                string.Create(CultureInfo.InvariantCulture, $"{options.Refresh:c} is not between 1 second and 1 hour."));
        }
    }
}
