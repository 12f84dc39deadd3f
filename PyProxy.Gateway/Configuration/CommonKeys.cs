using System.ComponentModel;
using PyProxy.Gateway.Sections;
using ConfigurationSection = PyProxy.Gateway.Sections.ConfigurationSection;

namespace PyProxy.Gateway.Configuration;

/// <summary>Keys directly in <c>Gateway</c>, which several features read.</summary>
internal sealed class CommonKeys
{
    [Description("Where everything that the gateway writes lies; relative paths are below the folder of the configuration file. Default: data.")]
    public string DataDirectory { get; init; } = Sections.DataDirectory.Default;
}

internal sealed class CommonSection() : ConfigurationSection(SectionTree.Gateway, typeof(CommonKeys))
{
    public override ValueTask ValidateAsync(IConfiguration candidate, ConfigurationErrors errors)
    {
        var path = ConfigurationPath.Combine(Path, nameof(CommonKeys.DataDirectory));
        if (candidate[path] is "")
        {
            errors.Add(path, "may not be empty; leave the key out for the default, data");
        }

        return ValueTask.CompletedTask;
    }
}
