using PyProxy.Gateway.Filtering.Lists;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Tests.Filtering.Lists;

public sealed class ListsOptionsValidatorTests
{
    [Fact]
    public void GoodList_HasNoErrors()
        => Assert.Empty(Errors("ads", new ListOptions { Source = "https://lists.example/ads?token=x", Format = ListFormat.AdBlock }));

    [Theory]
    [InlineData("../ads")]
    [InlineData(".hidden")]
    [InlineData("a/b")]
    [InlineData("a name")]
    public void NameThatCouldBeNoFileName_IsAnError(string name)
        => Assert.Equal($"Gateway:Filtering:Lists:{name}", Assert.Single(Errors(name, new ListOptions { Source = "x", Format = ListFormat.Hosts })));

    [Theory]
    [InlineData("")]
    [InlineData("ftp://lists.example/ads")]
    [InlineData("https://user:secret@lists.example/ads")]
    [InlineData("https://")]
    public void Source_HasToBeAFileOrAnHttpUrl(string source)
        => Assert.Equal("Gateway:Filtering:Lists:ads:Source", Assert.Single(Errors("ads", new ListOptions { Source = source, Format = ListFormat.Hosts })));

    [Fact]
    public void Format_IsRequired()
        => Assert.Equal("Gateway:Filtering:Lists:ads:Format", Assert.Single(Errors("ads", new ListOptions { Source = "x" })));

    [Fact]
    public void Ranges_AreHeld()
        => Assert.Equal(
            ["Refresh", "Timeout", "MaxBytes", "MaxEntries", "MinEntries", "Subdomains"],
            Errors("ads", new ListOptions
            {
                Source = "x",
                Format = ListFormat.Rpz,
                Refresh = TimeSpan.Zero,
                Timeout = TimeSpan.FromDays(1),
                MaxBytes = 0,
                MaxEntries = 0,
                MinEntries = -1,
                Subdomains = true,
            }).Select(path => path["Gateway:Filtering:Lists:ads:".Length..]).OrderBy(
                key => Array.IndexOf(["Refresh", "Timeout", "MaxBytes", "MaxEntries", "MinEntries", "Subdomains"], key)));

    private static List<string> Errors(string name, ListOptions list)
    {
        var errors = new ConfigurationErrors();
        new ListsOptionsValidator().Validate(new ListsOptions { [name] = list }, ListsOptions.SectionPath, errors);
        return [.. errors.All.Select(e => e.Path)];
    }
}
