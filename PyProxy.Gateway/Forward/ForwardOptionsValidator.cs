using System.Globalization;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Forward;

internal sealed class ForwardOptionsValidator : ISectionValidator<ForwardOptions>
{
    public void Validate(ForwardOptions options, string path, ConfigurationErrors errors)
    {
        if (options.ActivityTimeout < TimeSpan.FromSeconds(1) || options.ActivityTimeout > TimeSpan.FromDays(1))
        {
            errors.Add(
                $"{path}:{nameof(ForwardOptions.ActivityTimeout)}",
                string.Create(CultureInfo.InvariantCulture, $"{options.ActivityTimeout:c} is not between 1 second and 24 hours."));
        }
    }
}
