namespace PyProxy.Gateway.Sections;

/// <summary>One thing wrong with the configuration.</summary>
/// <param name="Path">Where, as a configuration path: <c>Gateway:Plans:standard:Rates:0</c>.</param>
/// <param name="Message">What is wrong and what would be right, without the path.</param>
internal sealed record ConfigurationError(string Path, string Message);

/// <summary>Collects everything that is wrong, so that all of it is reported at once.</summary>
internal sealed class ConfigurationErrors
{
    private readonly List<ConfigurationError> _errors = [];

    public IReadOnlyList<ConfigurationError> All => _errors;

    public bool Any => _errors.Count > 0;

    public void Add(string path, string message) => _errors.Add(new ConfigurationError(path, message));
}
