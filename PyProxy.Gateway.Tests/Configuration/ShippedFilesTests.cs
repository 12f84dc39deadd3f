using System.Text.Json;
using System.Text.Json.Nodes;
using NJsonSchema;
using PyProxy.Gateway.Configuration;
using PyProxy.Gateway.Tests.Deployment;

namespace PyProxy.Gateway.Tests.Configuration;

public sealed class ShippedFilesTests
{
    [Fact]
    public async Task SchemaFile_IsWhatTheOptionsSay()
    {
        var shipped = await RepositoryFiles.ReadAsync("appsettings.schema.json");

        Assert.True(
            shipped == ConfigurationSchema.Write(SectionTree.Build(ConfigurationLoader.Sections(Features.AddAll))),
            "Refresh it: dotnet run --project PyProxy.Gateway -- schema > appsettings.schema.json");
    }

    [Fact]
    public async Task Reference_IsWhatTheOptionsSay()
    {
        var page = await RepositoryFiles.ReadAsync("docs/configuration.md");

        Assert.True(
            page.Contains(ConfigurationReference.Write(ConfigurationLoader.Sections(Features.AddAll)), StringComparison.Ordinal),
            "Refresh the part between the markers: dotnet run --project PyProxy.Gateway -- schema --markdown");
    }

    [Fact]
    public async Task RootFile_FitsTheSchema()
    {
        var schema = await JsonSchema.FromJsonAsync(await RepositoryFiles.ReadAsync("appsettings.schema.json"), TestContext.Current.CancellationToken);
        var plain = JsonNode.Parse(await RepositoryFiles.ReadAsync("appsettings.json"), documentOptions: new JsonDocumentOptions
        {
            CommentHandling = JsonCommentHandling.Skip,
            AllowTrailingCommas = true,
        })!.ToJsonString();

        Assert.Empty(schema.Validate(plain));
    }

    [Fact]
    public async Task Schema_RefusesAnUnknownKey()
    {
        var schema = await JsonSchema.FromJsonAsync(await RepositoryFiles.ReadAsync("appsettings.schema.json"), TestContext.Current.CancellationToken);

        Assert.NotEmpty(schema.Validate("""{ "Gateway": { "Egres": {} } }"""));
    }

    [Theory]
    [InlineData("appsettings.json")]
    [InlineData("deploy/gateway/appsettings.json")]
    [InlineData("deploy/kubernetes/appsettings.json")]
    public async Task ShippedFile_IsGood(string path) => Assert.Empty(await ProblemsAsync(new ConfigurationFile(RepositoryFiles.PathOf(path))));

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
}
