using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Configuration;

/// <summary>The configuration in force. What Kestrel bound at the start stays as it was: endpoints do not move under running connections.</summary>
internal sealed class GatewayConfiguration : ISettingPlaces
{
    // Where Kestrel listens; the rest of its section is read when it starts, too. And what the gateway is connected to.
    private static readonly string[] BoundAtStart = ["Kestrel", "urls", "http_ports", "https_ports", "Gateway:SharedState"];

    private readonly IReadOnlyDictionary<string, string?> _atStart;
    private volatile ISettingPlaces? _places;

    public GatewayConfiguration(ConfigurationLoader loader, LoadedConfiguration loaded)
    {
        if (!loaded.IsValid)
        {
            throw new ArgumentException("Only a valid configuration can be in force.", nameof(loaded));
        }

        Loader = loader;
        _atStart = loaded.Data;
        _places = loaded.Places;
        Snapshot = new SnapshotConfigurationProvider(loaded.Data);
    }

    public ConfigurationLoader Loader { get; }

    public SnapshotConfigurationProvider Snapshot { get; }

    /// <summary>
    /// For the host: relative paths of Kestrel's certificates and of lists are below the folder of the configuration file. The host is to watch
    /// nothing by itself, which took a system-wide limited inotify instance, and a watch for each folder below the content root.
    /// </summary>
    public WebApplicationOptions HostOptions => new()
    {
        ContentRootPath = Loader.File.Directory,
        Args = ["--hostBuilder:reloadConfigOnChange=false"],
    };

    /// <inheritdoc/>
    public SettingPlace PlaceOf(string path) => _places?.PlaceOf(path) ?? new SettingPlace(JsonPath.Append(JsonPath.Root, path), Loader.File.DisplayName, Line: null);

    /// <summary>Puts another valid configuration in force.</summary>
    /// <returns>JSON paths of settings whose new value waits for a restart.</returns>
    public IReadOnlyList<string> Apply(LoadedConfiguration loaded)
    {
        var waiting = new SortedSet<string>(StringComparer.Ordinal);
        var data = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        foreach (var (path, value) in loaded.Data)
        {
            if (!IsBoundAtStart(path))
            {
                data[path] = value;
            }
            else if (!_atStart.TryGetValue(path, out var bound) || bound != value)
            {
                waiting.Add(JsonPath.Append(JsonPath.Root, path));
            }
        }

        foreach (var (path, value) in _atStart.Where(entry => IsBoundAtStart(entry.Key)))
        {
            data[path] = value;
            if (!loaded.Data.ContainsKey(path))
            {
                waiting.Add(JsonPath.Append(JsonPath.Root, path));
            }
        }

        _places = loaded.Places;
        Snapshot.Swap(data);
        return [.. waiting];
    }

    private static bool IsBoundAtStart(string path)
        => Array.Exists(BoundAtStart, bound => path.StartsWith(bound, StringComparison.OrdinalIgnoreCase)
            && (path.Length == bound.Length || path[bound.Length] == ConfigurationPath.KeyDelimiter[0]));
}
