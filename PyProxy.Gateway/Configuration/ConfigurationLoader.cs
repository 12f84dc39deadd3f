using PyProxy.Gateway.Listeners.Endpoints;
using PyProxy.Gateway.Sections;
using ConfigurationSection = PyProxy.Gateway.Sections.ConfigurationSection;

namespace PyProxy.Gateway.Configuration;

/// <summary>Reads file and overrides and has them judged: at the start, at every reload, and for <c>check</c>.</summary>
internal sealed class ConfigurationLoader(
    ConfigurationFile file,
    ConfigurationOverrides overrides,
    IReadOnlyList<ConfigurationSection> sections)
{
    private readonly ConfigurationValidator _validator = new(sections);

    public ConfigurationFile File { get; } = file;

    /// <param name="file">What to read.</param>
    /// <param name="overrides">What stands above it.</param>
    /// <param name="addFeatures">Registers the features; of these only their sections are looked at. The configuration it gets is empty.</param>
    public static ConfigurationLoader Create(ConfigurationFile file, ConfigurationOverrides overrides, Action<IServiceCollection, IConfiguration> addFeatures) =>
        new(file, overrides, Sections(addFeatures));

    public static IReadOnlyList<ConfigurationSection> Sections(Action<IServiceCollection, IConfiguration> addFeatures)
    {
        var services = new ServiceCollection();
        addFeatures(services, new ConfigurationBuilder().Build());
        return
        [
            .. services
                .Where(d => d.ServiceType == typeof(ConfigurationSection))
                .Select(d => d.ImplementationInstance as ConfigurationSection
                    ?? throw new InvalidOperationException("Sections are registered as instances: validation needs no running service.")),
            new ListenerEndpointsSection(),
            new CommonSection(),
        ];
    }

    public async Task<LoadedConfiguration> LoadAsync(CancellationToken cancellationToken)
    {
        byte[] json;
        try
        {
            json = await File.ReadAsync(cancellationToken);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new LoadedConfiguration(
                new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase),
                [new ConfigurationProblem(JsonPath.Root, $"the file cannot be read: {e.Message}", File.DisplayName, Line: null)],
                Places: null);
        }

        var parsed = JsonConfigurationParser.Parse(json);
        var candidate = new ConfigurationCandidate(File, parsed, overrides);
        return parsed.Broken
            ? new LoadedConfiguration(candidate.Data, [.. candidate.SyntaxProblems()], candidate)
            : new LoadedConfiguration(candidate.Data, await _validator.ValidateAsync(candidate), candidate);
    }
}

/// <param name="Data">Every key, overrides applied.</param>
/// <param name="Problems">Empty for a configuration that may be used.</param>
/// <param name="Places">Where its keys are written; <see langword="null"/> where there was nothing to read.</param>
internal sealed record LoadedConfiguration(
    IReadOnlyDictionary<string, string?> Data, IReadOnlyList<ConfigurationProblem> Problems, ISettingPlaces? Places)
{
    public bool IsValid => Problems.Count == 0;
}
