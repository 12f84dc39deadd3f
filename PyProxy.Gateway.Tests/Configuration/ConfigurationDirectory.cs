using System.Collections;
using PyProxy.Gateway.Configuration;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Tests.Configuration;

/// <summary>A directory with a configuration file, gone after the test.</summary>
internal sealed class ConfigurationDirectory : IDisposable
{
    private readonly TemporaryDirectory _directory = new("configuration");

    public string Root => _directory.Path;

    public string File => _directory.File("appsettings.json");

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

    public void Dispose() => _directory.Dispose();
}
