namespace PyProxy.Gateway.Sections;

/// <summary>The one directory below which everything lies that the gateway writes: <c>Gateway:DataDirectory</c>, the container's one volume.</summary>
internal sealed class DataDirectory(IConfiguration configuration, IHostEnvironment environment)
{
    public const string Key = "Gateway:DataDirectory";

    public const string Default = "data";

    public string Path => System.IO.Path.GetFullPath(configuration[Key] ?? Default, environment.ContentRootPath);

    /// <summary>The full name of a file of the gateway's; an absolute path stays what it is.</summary>
    public string Resolve(string path) => System.IO.Path.GetFullPath(path, Path);
}
