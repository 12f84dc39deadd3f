using System.Globalization;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Forward;

internal sealed class TunnelOptionsValidator : ISectionValidator<TunnelOptions>
{
    public void Validate(TunnelOptions options, string path, ConfigurationErrors errors)
    {
        ZeroOrWithin(options.IdleTimeout, TimeSpan.FromDays(1), $"{path}:{nameof(TunnelOptions.IdleTimeout)}", errors);
        ZeroOrWithin(options.Lifetime, TimeSpan.FromDays(30), $"{path}:{nameof(TunnelOptions.Lifetime)}", errors);
    }

    private static void ZeroOrWithin(TimeSpan value, TimeSpan most, string path, ConfigurationErrors errors)
    {
        if (value != TimeSpan.Zero && (value < TimeSpan.FromSeconds(1) || value > most))
        {
            errors.Add(path, string.Create(CultureInfo.InvariantCulture, $"{value:c} is neither 0 (no limit) nor between 1 second and {most:c}."));
        }
    }
}
