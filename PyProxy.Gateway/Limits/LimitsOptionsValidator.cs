using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Limits;

internal sealed class LimitsOptionsValidator : ISectionValidator<LimitsOptions>
{
    public void Validate(LimitsOptions options, string path, ConfigurationErrors errors)
    {
    }
}
