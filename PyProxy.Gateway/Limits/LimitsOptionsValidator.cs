using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Limits;

internal sealed class LimitsOptionsValidator : ISectionValidator<LimitsOptions>
{
    public void Validate(LimitsOptions options, string path, ConfigurationErrors errors)
    {
        if (options.Gateways is < 1 or > 1000)
        {
            errors.Add($"{path}:Gateways", "must be from 1 to 1000.");
        }
    }
}
