using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Configuration;

/// <summary>A configuration that was read but not yet judged. It knows where each of its values comes from.</summary>
internal sealed class ConfigurationCandidate : ISettingPlaces
{
    private readonly string _fileName;
    private readonly JsonConfiguration _file;
    private readonly ConfigurationOverrides _overrides;

    public ConfigurationCandidate(ConfigurationFile origin, JsonConfiguration file, ConfigurationOverrides overrides)
    {
        _fileName = origin.DisplayName;
        _file = file;
        _overrides = overrides;

        var data = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        Lay(data, overrides.BelowFile);
        foreach (var (path, value) in file.Data)
        {
            data[path] = value;
        }

        Lay(data, overrides.AboveFile);
        ResolveDataDirectory(data, origin.Directory);
        Data = data;
        Root = new ConfigurationBuilder().AddInMemoryCollection(data).Build();
    }

    public IReadOnlyDictionary<string, string?> Data { get; }

    public IConfigurationRoot Root { get; }

    /// <summary>What is wrong with the file as JSON: nothing beyond that can be judged.</summary>
    public IEnumerable<ConfigurationProblem> SyntaxProblems() =>
        _file.Mistakes.Select(m => new ConfigurationProblem(m.Place.JsonPath, m.Message, _fileName, m.Place.Line));

    public ConfigurationProblem Locate(ConfigurationError error)
    {
        var place = PlaceOf(error.Path);
        return new ConfigurationProblem(place.JsonPath, error.Message, place.Source, place.Line);
    }

    public SettingPlace PlaceOf(string path)
    {
        if (Overriding(path) is { } source)
        {
            return new SettingPlace(WrittenPath(path), source, Line: null);
        }

        // A key that is missing has no line; the nearest container that exists is where it would have to be written.
        var line = _file.Places.TryGetValue(NearestInFile(path), out var place) ? place.Line : (int?)null;
        return new SettingPlace(WrittenPath(path), _fileName, line);
    }

    /// <summary>The override that makes the value, or that alone makes the container exist.</summary>
    private string? Overriding(string path)
    {
        if (_overrides.AboveFile.TryGetValue(path, out var exact))
        {
            return exact.Source;
        }

        if (_file.Places.ContainsKey(path))
        {
            return null;
        }

        var below = path + ConfigurationPath.KeyDelimiter;
        foreach (var (key, value) in _overrides.AboveFile)
        {
            if (key.StartsWith(below, StringComparison.OrdinalIgnoreCase))
            {
                return value.Source;
            }
        }

        return null;
    }

    private string WrittenPath(string path)
    {
        var known = NearestInFile(path);
        var prefix = _file.Places.TryGetValue(known, out var place) ? place.JsonPath : JsonPath.Root;
        return JsonPath.Append(prefix, path[known.Length..]);
    }

    private string NearestInFile(string path)
    {
        var current = path;
        while (current.Length > 0 && !_file.Places.ContainsKey(current))
        {
            current = ConfigurationPath.GetParentPath(current) ?? "";
        }

        return current;
    }

    // Here and not by those who read it: the working directory of `dotnet run` is the project's, that of a service often the root.
    private static void ResolveDataDirectory(Dictionary<string, string?> data, string folder)
    {
        if (!data.TryGetValue(DataDirectory.Key, out var path))
        {
            data[DataDirectory.Key] = Path.Combine(folder, DataDirectory.Default);
        }
        else if (!string.IsNullOrEmpty(path) && !path.Contains('\0', StringComparison.Ordinal))
        {
            data[DataDirectory.Key] = Path.GetFullPath(path, folder);
        }
    }

    private static void Lay(Dictionary<string, string?> data, IReadOnlyDictionary<string, Override> overrides)
    {
        foreach (var (path, value) in overrides)
        {
            data[path] = value.Value;
        }
    }
}
