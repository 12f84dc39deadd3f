using System.Text.Json;
using System.Text.Json.Nodes;
using NJsonSchema;
using PyProxy.Gateway.Configuration;

namespace PyProxy.Gateway.Tests.Configuration;

public sealed class ShippedFilesTests
{
    internal static readonly string Repository = FindRepository();

    [Fact]
    public async Task SchemaFile_IsWhatTheOptionsSay()
    {
        var shipped = await ReadAsync("appsettings.schema.json");

        Assert.True(
            shipped == ConfigurationSchema.Write(SectionTree.Build(ConfigurationLoader.Sections(Features.AddAll))),
            "Refresh it: dotnet run --project PyProxy.Gateway -- schema > appsettings.schema.json");
    }

    [Fact]
    public async Task Reference_IsWhatTheOptionsSay()
    {
        var page = await ReadAsync(Path.Combine("docs", "configuration.md"));

        Assert.True(
            page.Contains(ConfigurationReference.Write(ConfigurationLoader.Sections(Features.AddAll)), StringComparison.Ordinal),
            "Refresh the part between the markers: dotnet run --project PyProxy.Gateway -- schema --markdown");
    }

    [Fact]
    public async Task RootFile_FitsTheSchema()
    {
        var schema = await JsonSchema.FromJsonAsync(await ReadAsync("appsettings.schema.json"), TestContext.Current.CancellationToken);
        var plain = JsonNode.Parse(await ReadAsync("appsettings.json"), documentOptions: new JsonDocumentOptions
        {
            CommentHandling = JsonCommentHandling.Skip,
            AllowTrailingCommas = true,
        })!.ToJsonString();

        Assert.Empty(schema.Validate(plain));
    }

    [Fact]
    public async Task Schema_RefusesAnUnknownKey()
    {
        var schema = await JsonSchema.FromJsonAsync(await ReadAsync("appsettings.schema.json"), TestContext.Current.CancellationToken);

        Assert.NotEmpty(schema.Validate("""{ "Gateway": { "Egres": {} } }"""));
    }

    [Fact]
    public async Task RootFile_IsGood() => Assert.Empty(await ProblemsAsync(new ConfigurationFile(Path.Combine(Repository, "appsettings.json"))));

    [Fact]
    public async Task EmbeddedDefaults_AreGood() => Assert.Empty(await ProblemsAsync(new ConfigurationFile(Path: null)));

    /// <summary>The binder appends to a list that has elements: a default list with elements could never be replaced.</summary>
    [Fact]
    public void ListsAndMapsOfOptions_AreEmptyByDefault()
    {
        var filled = Walk(SectionTree.Build(ConfigurationLoader.Sections(Features.AddAll)), [])
            .Where(p => p is { Shape: ListShape or MapShape, Default: System.Collections.IEnumerable items } && items.GetEnumerator().MoveNext())
            .Select(p => p.Name);

        Assert.Empty(filled);
    }

    /// <summary>Every key has a description: the reference and the editors' help are made of them.</summary>
    [Fact]
    public void KeysOfOptions_AreDescribed() =>
        Assert.Empty(ConfigurationLoader.Sections(Features.AddAll)
            .Where(s => s.OptionsType is not null)
            .SelectMany(s => Walk(OptionsShapeReader.Read(s.OptionsType!), []))
            .Where(p => string.IsNullOrWhiteSpace(p.Description))
            .Select(p => p.Name));

    private static IEnumerable<OptionsProperty> Walk(OptionsShape shape, HashSet<string> seen) => shape switch
    {
        ListShape list => Walk(list.Element, seen),
        MapShape map => Walk(map.Value, seen),
        ObjectShape known when seen.Add(known.Name) => known.Properties.SelectMany(p => Walk(p.Shape, seen).Prepend(p)),
        _ => [],
    };

    private static async Task<IReadOnlyList<ConfigurationProblem>> ProblemsAsync(ConfigurationFile file) =>
        (await ConfigurationLoader.Create(file, ConfigurationOverrides.None, Features.AddAll).LoadAsync(TestContext.Current.CancellationToken)).Problems;

    private static Task<string> ReadAsync(string path) => File.ReadAllTextAsync(Path.Combine(Repository, path), TestContext.Current.CancellationToken);

    private static string FindRepository()
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
