using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Configuration;

/// <summary>A check that no feature can make alone, because it needs another's section.</summary>
internal interface ICrossSectionValidator
{
    void Validate(IConfiguration candidate, ConfigurationErrors errors);
}
