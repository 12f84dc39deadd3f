using System.Collections;
using PyProxy.Gateway.Configuration;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Tests.Configuration;

/// <summary>A directory with a configuration file, gone after the test.</summary>
internal sealed class ConfigurationDirectory : IDisposable
{
    public ConfigurationDirectory() => Root = Directory.CreateTempSubdirectory("pyproxy-configuration-").FullName;

    public string Root { get; }

    public string File => Path.Combine(Root, "appsettings.json");

    public void Write(string json) => System.IO.File.WriteAllText(File, json);

    public ConfigurationLoader Loader(Hashtable? environment = null, params string[] arguments) => ConfigurationLoader.Create(
        new ConfigurationFile(File),
        ConfigurationOverrides.From(arguments, environment ?? []),
        (services, _) => services.AddGatewaySection<SampleOptions, SampleValidator>("Gateway:Sample"));

    public async Task<IReadOnlyList<ConfigurationProblem>> ProblemsAsync(string json, Hashtable? environment = null, params string[] arguments)
    {
        Write(json);
        return (await Loader(environment, arguments).LoadAsync(TestContext.Current.CancellationToken)).Problems;
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
