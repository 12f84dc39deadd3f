namespace PyProxy.Gateway.Configuration;

/// <summary>The configuration file, or the embedded defaults where there is none.</summary>
/// <param name="Path">Full path, symbolic links unresolved; <see langword="null"/> for the embedded defaults.</param>
internal sealed record ConfigurationFile(string? Path)
{
    public const string DefaultName = "appsettings.json";

    private const string EmbeddedName = "PyProxy.Gateway.Configuration.appsettings.default.json";

    /// <summary>How messages call it: relative where that is shorter.</summary>
    public string DisplayName
    {
        get
        {
            if (Path is null)
            {
                return "embedded defaults";
            }

            var relative = System.IO.Path.GetRelativePath(System.IO.Directory.GetCurrentDirectory(), Path);
            return relative.StartsWith("..", StringComparison.Ordinal) ? Path : relative;
        }
    }

    /// <summary>The folder that relative paths in the configuration are below: the file's, wherever the process was started.</summary>
    public string Directory => (Path is null ? null : System.IO.Path.GetDirectoryName(Path)) ?? System.IO.Directory.GetCurrentDirectory();

    /// <summary>
    /// The named file; else <c>appsettings.json</c> in the working directory; else the first one upwards from the program itself. So
    /// <c>dotnet run</c> from any directory of the repository edits and reloads the root file, and the container finds the one beside the binary.
    /// </summary>
    public static ConfigurationFile Find(string? named, string workingDirectory, string programDirectory)
    {
        if (named is not null)
        {
            return new ConfigurationFile(System.IO.Path.GetFullPath(named, workingDirectory));
        }

        var here = System.IO.Path.Combine(workingDirectory, DefaultName);
        if (File.Exists(here))
        {
            return new ConfigurationFile(here);
        }

        for (var directory = new DirectoryInfo(programDirectory); directory is not null; directory = directory.Parent)
        {
            var candidate = System.IO.Path.Combine(directory.FullName, DefaultName);
            if (File.Exists(candidate))
            {
                return new ConfigurationFile(candidate);
            }
        }

        return new ConfigurationFile(Path: null);
    }

    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public async Task<byte[]> ReadAsync(CancellationToken cancellationToken)
    {
        if (Path is not null)
        {
            return await File.ReadAllBytesAsync(Path, cancellationToken);
        }

        await using var stream = typeof(ConfigurationFile).Assembly.GetManifestResourceStream(EmbeddedName)
            ?? throw new InvalidOperationException($"The resource {EmbeddedName} is missing from the assembly.");
        using var buffer = new MemoryStream();
        await stream.CopyToAsync(buffer, cancellationToken);
        return buffer.ToArray();
    }
}
