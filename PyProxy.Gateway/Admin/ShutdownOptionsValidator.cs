using System.Globalization;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Admin;

internal sealed class ShutdownOptionsValidator : ISectionValidator<ShutdownOptions>
{
    public void Validate(ShutdownOptions options, string path, ConfigurationErrors errors)
    {
        AtMost(options.Delay, TimeSpan.FromMinutes(10), $"{path}:{nameof(ShutdownOptions.Delay)}", errors);
        AtMost(options.RequestTimeout, TimeSpan.FromHours(1), $"{path}:{nameof(ShutdownOptions.RequestTimeout)}", errors);
        AtMost(options.TunnelTimeout, TimeSpan.FromDays(1), $"{path}:{nameof(ShutdownOptions.TunnelTimeout)}", errors);
    }

    private static void AtMost(TimeSpan value, TimeSpan most, string path, ConfigurationErrors errors)
    {
        if (value < TimeSpan.Zero || value > most)
        {
            errors.Add(path, string.Create(CultureInfo.InvariantCulture, $"{value:c} is not between 0 and {most:c}."));
        }
    }
}
