using System.ComponentModel;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Tests.Configuration;

internal enum SampleMode
{
    Off = 0,
    Anonymous,
}

/// <summary>A section with one of everything, so that these tests do not move when a feature's options do.</summary>
internal sealed class SampleOptions
{
    [Description("A mode.")]
    public SampleMode Mode { get; init; }

    [Description("A whole number.")]
    public int Count { get; init; } = 3;

    [Description("A duration.")]
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(5);

    [Description("Texts.")]
    public IReadOnlyList<string> Names { get; init; } = [];

    [Description("Contains itself.")]
    public Dictionary<string, SampleOptions> Children { get; init; } = [];

    [Description("Optional.")]
    public string? Note { get; init; }
}

internal sealed class SampleValidator : ISectionValidator<SampleOptions>
{
    public void Validate(SampleOptions options, string path, ConfigurationErrors errors)
    {
        for (var i = 0; i < options.Names.Count; i++)
        {
            if (options.Names[i].Contains(' ', StringComparison.Ordinal))
            {
                errors.Add($"{path}:Names:{i}", "may not hold a space");
            }
        }
    }
}
