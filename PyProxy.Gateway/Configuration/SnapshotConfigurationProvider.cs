namespace PyProxy.Gateway.Configuration;

/// <summary>
/// The application's configuration: always a whole, validated one. YARP, Kestrel and every options type read this and never the raw file,
/// so a bad edit cannot reach any of them.
/// </summary>
internal sealed class SnapshotConfigurationProvider : ConfigurationProvider, IConfigurationSource
{
    public SnapshotConfigurationProvider(IReadOnlyDictionary<string, string?> data) => Data = Copy(data);

    public IConfigurationProvider Build(IConfigurationBuilder builder) => this;

    /// <summary>Replaces everything, then tells all readers once.</summary>
    public void Swap(IReadOnlyDictionary<string, string?> data)
    {
        Data = Copy(data);
        OnReload();
    }

    private static Dictionary<string, string?> Copy(IReadOnlyDictionary<string, string?> data) =>
        new(data, StringComparer.OrdinalIgnoreCase);
}
