namespace PyProxy.Gateway.Configuration;

/// <summary>
/// What changes when a file's content may have changed: in place, by a rename over it, or because a directory on the way is a symbolic link
/// that now points elsewhere (mounted ConfigMaps).
/// </summary>
internal readonly record struct FileFingerprint(string Target, DateTime LastWriteUtc, long Length)
{
    /// <returns><see langword="default"/> while there is no such file.</returns>
    public static FileFingerprint Take(string path)
    {
        try
        {
            var file = new FileInfo(Resolve(path));
            return file.Exists ? new FileFingerprint(file.FullName, file.LastWriteTimeUtc, file.Length) : default;
        }
        catch (IOException)
        {
            return default; // a link was swapped between two steps: the next look sees the whole
        }
    }

    // A mounted ConfigMap is file -> ..data/file with ..data -> ..2024_05_01: resolving the file's own link leaves the directory's unresolved.
    private static string Resolve(string path)
    {
        var target = File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
        var directory = Path.GetDirectoryName(target);
        if (directory is null)
        {
            return target;
        }

        return Path.Combine(Directory.ResolveLinkTarget(directory, returnFinalTarget: true)?.FullName ?? directory, Path.GetFileName(target));
    }
}
