using System.Net;
using PyProxy.Gateway.Filtering.Lists;

namespace PyProxy.Gateway.Tests.Filtering.Lists;

public sealed class FileListTests : IDisposable
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    private readonly TemporaryDirectory _directory = new("lists");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task File_IsInForceOnceStarted()
    {
        await using var lists = Fixture();
        await WriteAsync(lists, "one.example\n");

        await lists.StartAsync();

        Assert.True(lists.List.ContainsHost("www.one.example"));
        Assert.False(lists.List.State.IsCopy);
    }

    [Fact]
    public async Task ChangedFile_TakesThePlaceOfTheOld()
    {
        await using var lists = Fixture();
        await WriteAsync(lists, "one.example\n");
        await lists.StartAsync();

        await WriteAsync(lists, "two.example\nthree.example\n");
        await lists.UntilAsync(() => lists.List.ContainsHost("two.example"), Look);

        Assert.False(lists.List.ContainsHost("one.example"));
    }

    [Fact]
    public async Task SymbolicLinkThatPointsElsewhere_IsAChange()
    {
        await using var lists = Fixture();
        await File.WriteAllTextAsync(lists.Path("a"), "one.example\n", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(lists.Path("b"), "the-other.example\n", TestContext.Current.CancellationToken);
        File.CreateSymbolicLink(lists.Path("ads.txt"), "a");
        await lists.StartAsync();

        File.CreateSymbolicLink(lists.Path("next"), "b");
        File.Move(lists.Path("next"), lists.Path("ads.txt"), overwrite: true);

        await lists.UntilAsync(() => lists.List.ContainsHost("the-other.example"), Look);
    }

    [Fact]
    public async Task BadFile_LeavesTheLastGoodInForce_AndSaysSo()
    {
        await using var lists = Fixture();
        await WriteAsync(lists, "one.example\n");
        await lists.StartAsync();

        await WriteAsync(lists, "<html>\n<body>\nnot a list\n");
        await lists.UntilAsync(() => lists.List.State.Failures > 0, Look);

        Assert.True(lists.List.ContainsHost("one.example"));
        Assert.Contains("no lines of the format", lists.List.State.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task MissingFile_IsTakenUpWhenItComes()
    {
        await using var lists = Fixture();
        await lists.StartAsync();
        Assert.Null(lists.List.State.Content);
        Assert.NotNull(lists.List.State.Error);

        await WriteAsync(lists, "one.example\n");

        await lists.UntilAsync(() => lists.List.ContainsHost("one.example"), Look);
        Assert.Null(lists.List.State.Error);
    }

    [Fact]
    public async Task NextStart_WithABadFile_BeginsWithTheLastGood()
    {
        await using (var first = Fixture())
        {
            await WriteAsync(first, "one.example\n");
            await first.StartAsync();
            await WriteAsync(first, "");
        }

        await using var second = Fixture();
        await second.StartAsync();

        Assert.True(second.List.ContainsHost("one.example"));
        Assert.True(second.List.State.IsCopy);
        Assert.NotNull(second.List.State.Error);
    }

    [Fact]
    public async Task RequiredListThatIsNotThere_StopsTheStart()
    {
        await using var lists = Fixture(("ads:Required", "true"));

        var e = await Assert.ThrowsAsync<InvalidOperationException>(lists.StartAsync);

        Assert.Contains("Gateway:Filtering:Lists:ads", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reload_AddsAndRemovesLists_AndLeavesOthersAlone()
    {
        await using var lists = Fixture();
        await WriteAsync(lists, "one.example\n");
        await File.WriteAllTextAsync(lists.Path("more.txt"), "192.0.2.0/24\n", TestContext.Current.CancellationToken);
        await lists.StartAsync();
        var content = lists.List.State.Content;
        var held = lists.Slot("more"); // as a rule that was compiled before the list is known

        lists.Reload(("more:Source", "more.txt"), ("more:Format", "Cidr"));
        await lists.UntilAsync(() => held.Content.Addresses?.Contains(IPAddress.Parse("192.0.2.1")) == true, Look);
        Assert.Same(content, lists.List.State.Content);

        lists.Reload(("more:Source", null), ("more:Format", null));
        await lists.UntilAsync(() => lists.Lists.All.Count == 1 && held.Content.Addresses is null, Look);
    }

    [Fact]
    public async Task ChangedSource_KeepsTheOldContentUntilTheNewIsThere()
    {
        await using var lists = Fixture();
        await WriteAsync(lists, "one.example\n");
        await lists.StartAsync();

        lists.Reload(("ads:Source", "elsewhere.txt"));
        await lists.UntilAsync(() => lists.List.State.Failures > 0, Look);
        Assert.True(lists.List.ContainsHost("one.example"));

        await File.WriteAllTextAsync(lists.Path("elsewhere.txt"), "two.example\n", TestContext.Current.CancellationToken);
        await lists.UntilAsync(() => lists.List.ContainsHost("two.example"), Look);
    }

    [Fact]
    public async Task QuestionWithoutTraffic_LoadsFilesAndFollowsNothing()
    {
        await using var lists = Fixture();
        await WriteAsync(lists, "one.example\n");

        await lists.Lists.LoadLocalAsync(TestContext.Current.CancellationToken);

        Assert.True(lists.Slot("ads").Content.Hosts?.Contains("one.example"));
        Assert.Empty(lists.Lists.All);
    }

    [Theory]
    [InlineData("deploy/lists/domains.txt", "Domains", "tracker.example", "cdn.tracker.example")]
    [InlineData("deploy/lists/hosts.txt", "Hosts", "ads.example", null)]
    [InlineData("deploy/lists/adblock.txt", "AdBlock", "banners.example", "a.banners.example")]
    [InlineData("deploy/lists/policy.rpz", "Rpz", "malware.example", "www.malware.example")]
    [InlineData("deploy/lists/ranges.cidr", "Cidr", "192.0.2.1", null)]
    public async Task ShippedSamples_AreListsOfTheirFormat(string file, string format, string listed, string? below)
    {
        var options = new ListOptions { Format = Enum.Parse<ListFormat>(format) };
        await using var text = File.OpenRead(System.IO.Path.Combine(Repository(), file));

        var list = await ListReader.ReadAsync(text, options, TestContext.Current.CancellationToken);

        Assert.Equal(0, list.Summary.Invalid);
        Assert.True(list.ContainsHost(listed));
        Assert.True(below is null || list.ContainsHost(below));
    }

    private static string Repository()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(System.IO.Path.Combine(directory.FullName, "PyProxy.sln")))
        {
            directory = directory.Parent!;
        }

        return directory.FullName;
    }

    private ListsFixture Fixture(params (string Key, string? Value)[] more)
        => new(_directory, [("ads:Source", "ads.txt"), ("ads:Format", "Domains"), .. more]);

    private static Task WriteAsync(ListsFixture lists, string text)
        => File.WriteAllTextAsync(lists.Path("ads.txt"), text, TestContext.Current.CancellationToken);
}
