namespace PyProxy.Gateway.Sections;

/// <summary>
/// A section of the configuration that a feature owns. Each feature registers its own; <c>Configuration</c> reads the registrations to
/// validate a candidate whole, to refuse unknown keys, and to write the JSON Schema. Validation needs no running service.
/// </summary>
/// <param name="path">Configuration path: <c>Gateway:Egress</c>.</param>
/// <param name="optionsType">
/// The type that gives the section its shape, or <see langword="null"/> for a section whose shape belongs to somebody else (YARP, Kestrel).
/// </param>
internal abstract class ConfigurationSection(string path, Type? optionsType)
{
    public string Path { get; } = path;

    public Type? OptionsType { get; } = optionsType;

    /// <summary>Adds what is wrong with this section of a candidate. Called only when the section's shape and types are right.</summary>
    public abstract ValueTask ValidateAsync(IConfiguration candidate, ConfigurationErrors errors);
}

/// <summary>What a feature checks beyond shape and types.</summary>
internal interface ISectionValidator<in TOptions>
{
    /// <param name="options">The bound section.</param>
    /// <param name="path">The section's path, to prefix what is reported with.</param>
    /// <param name="errors">Receives what is wrong.</param>
    void Validate(TOptions options, string path, ConfigurationErrors errors);
}

internal sealed class ConfigurationSection<TOptions, TValidator>(string path) : ConfigurationSection(path, typeof(TOptions))
    where TOptions : class, new()
    where TValidator : ISectionValidator<TOptions>, new()
{
    public override ValueTask ValidateAsync(IConfiguration candidate, ConfigurationErrors errors)
    {
        var options = candidate.GetSection(Path).Get<TOptions>() ?? new TOptions();
        new TValidator().Validate(options, Path, errors);
        return ValueTask.CompletedTask;
    }
}
