namespace PyProxy.Gateway.Tests.Deployment;

/// <summary>Files of the repository, as they are shipped.</summary>
internal static class RepositoryFiles
{
    public static string Root { get; } = FindRoot();

    /// <param name="path">Below the repository, with slashes.</param>
    public static string PathOf(string path) => Path.Combine(Root, path);

    public static Task<string> ReadAsync(string path) => File.ReadAllTextAsync(PathOf(path), TestContext.Current.CancellationToken);

    private static string FindRoot()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "PyProxy.sln")))
            {
                return directory.FullName;
            }
        }

        throw new InvalidOperationException("The repository was not found above the tests.");
    }
}
