namespace PyProxy.Gateway.Tests;

/// <summary>A directory of a test's own, gone with it.</summary>
/// <param name="purpose">A word of its name, by which what was left behind is known.</param>
internal sealed class TemporaryDirectory(string purpose) : IDisposable
{
    // A browser's helpers live on for a moment after it, and write until they end.
    private const int Attempts = 200;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory($"pyproxy-{purpose}-");

    public string Path => _directory.FullName;

    /// <returns>The path of a file of this name, which need not exist.</returns>
    public string File(string name) => System.IO.Path.Combine(Path, name);

    /// <returns>The file's path.</returns>
    public string Write(string name, string text)
    {
        var path = File(name);
        System.IO.File.WriteAllText(path, text);
        return path;
    }

    /// <summary>Deletes it; where somebody who is just ending still writes into it, again until that is over.</summary>
    public void Dispose()
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                _directory.Delete(recursive: true);
                return;
            }
            catch (DirectoryNotFoundException)
            {
                return;
            }
            catch (IOException) when (attempt < Attempts)
            {
                Thread.Sleep(Pause);
            }
        }
    }
}
