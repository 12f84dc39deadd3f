using Microsoft.Extensions.Time.Testing;
using PyProxy.Gateway.Filtering;
using PyProxy.Gateway.Http;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Http;

/// <summary>Refusals in the operator's words.</summary>
public sealed class RefusalPagesTests : IDisposable
{
    private const string German = """
        <!doctype html><html lang="de"><title>{{status}}</title><p>{{reason}}</p><p>{{ host }} für {{user}} von {{client}}</p><p>{{rule}} {{setting}} {{decision}} {{contact}} {{time}}</p>
        """;

    private readonly TemporaryDirectory _directory = new("pages");
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 3, 1, 9, 0, 0, TimeSpan.Zero));

    private string Template => Path.Combine(_directory.Path, "page.html");

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Template_IsFilledIn_AndEverythingInItIsEncoded()
    {
        await File.WriteAllTextAsync(Template, German, TestContext.Current.CancellationToken);
        await using var gateway = await StartAsync(("Gateway:RefusalPage:Template", Template), ("Gateway:RefusalPage:Contact", "<help@example.org>"));

        var page = await AskAsync(gateway, "general.example", "text/html");

        Assert.Contains("<html lang=\"de\"><title>403</title>", page, StringComparison.Ordinal);
        Assert.Contains("<p>general.example f", page, StringComparison.Ordinal);
        Assert.Contains("&lt;help@example.org&gt;", page, StringComparison.Ordinal);
        Assert.Contains("no-&lt;general&gt; Gateway:Filtering:Rules:0 d-1", page, StringComparison.Ordinal);
        Assert.Contains("2026-03-01 09:00:00Z", page, StringComparison.Ordinal);
        Assert.DoesNotContain("{{", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SentenceByStatus_IsToldToPeopleAndPrograms_AndARulesOwnGoesBeforeIt()
    {
        await File.WriteAllTextAsync(Template, German, TestContext.Current.CancellationToken);
        await using var gateway = await StartAsync(("Gateway:RefusalPage:Template", Template), ("Gateway:RefusalPage:Messages:403", "Das ist hier nicht erlaubt."));

        Assert.Contains("<p>Das ist hier nicht erlaubt.</p>", await AskAsync(gateway, "general.example", "text/html"), StringComparison.Ordinal);
        Assert.Contains("\"detail\":\"Das ist hier nicht erlaubt.\"", await AskAsync(gateway, "general.example", "application/json"), StringComparison.Ordinal);
        Assert.Contains("\"detail\":\"Keine Werbung.\"", await AskAsync(gateway, "ads.example", "*/*"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task RulesPage_GoesBeforeTheGeneralOne()
    {
        await File.WriteAllTextAsync(Template, German, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Template + ".ads", "<p>Nur für Werbung: {{reason}} ({{decision}})</p>", TestContext.Current.CancellationToken);
        await using var gateway = await StartAsync(("Gateway:RefusalPage:Template", Template), ("Gateway:Filtering:Rules:1:Page", Template + ".ads"));

        Assert.StartsWith("<p>Nur für Werbung: Keine Werbung. (d-1)", await AskAsync(gateway, "ads.example", "text/html"), StringComparison.Ordinal);
        Assert.Contains("<html lang=\"de\">", await AskAsync(gateway, "general.example", "text/html"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ChangedTemplate_IsTakenOver_AndABadOneIsNot()
    {
        await File.WriteAllTextAsync(Template, "<p>one {{decision}}</p>", TestContext.Current.CancellationToken);
        await using var gateway = await StartAsync(("Gateway:RefusalPage:Template", Template));
        var first = await AskAsync(gateway, "general.example", "text/html");

        await File.WriteAllTextAsync(Template, "<p>number two {{decision}}</p>", TestContext.Current.CancellationToken);
        _time.Advance(TimeSpan.FromSeconds(1));
        var second = await AskAsync(gateway, "general.example", "text/html");

        await File.WriteAllTextAsync(Template, "<p>number three {{nonsense}}</p>", TestContext.Current.CancellationToken);
        _time.Advance(TimeSpan.FromSeconds(1));
        var third = await AskAsync(gateway, "general.example", "text/html");

        Assert.Equal(("<p>one d-1</p>", "<p>number two d-1</p>", "<p>number two d-1</p>"), (first, second, third));
        Assert.Contains(gateway.Logs.GetSnapshot(), static r => r.Message.Contains("there is no placeholder {{nonsense}}", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("<p>nothing</p>", "{{decision}} is missing")]
    [InlineData("{{decision}} {{x}}", "no placeholder {{x}}")]
    [InlineData("{{decision", "not closed")]
    public void TemplateThatCannotBeUsed_SaysWhy(string text, string expected)
    {
        File.WriteAllText(Template, text);
        Assert.Contains(expected, RefusalTemplate.Refusal(Template), StringComparison.Ordinal);
    }

    [Fact]
    public void ShippedTemplate_IsOne()
        => Assert.Null(RefusalTemplate.Refusal(Deployment.RepositoryFiles.PathOf("deploy/refusal-page.html")));

    private static async Task<string> AskAsync(MiniGateway gateway, string host, string accept)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/");
        request.Headers.Host = host;
        request.Headers.TryAddWithoutValidation("Accept", accept);
        using var response = await gateway.Client.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(403, (int)response.StatusCode);
        return await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
    }

    private Task<MiniGateway> StartAsync(params (string Key, string Value)[] settings) => MiniGateway.StartAsync(
        app =>
        {
            app.UseProxyErrors();
            app.UseTrafficFilter();
        },
        builder =>
        {
            builder.Services.AddSingleton<TimeProvider>(_time);
            builder.Configuration["Gateway:Filtering:Rules:0:Name"] = "no-<general>";
            builder.Configuration["Gateway:Filtering:Rules:0:Match:Hosts:0"] = "general.example";
            builder.Configuration["Gateway:Filtering:Rules:0:Action"] = "Deny";
            builder.Configuration["Gateway:Filtering:Rules:1:Name"] = "no-ads";
            builder.Configuration["Gateway:Filtering:Rules:1:Match:Hosts:0"] = "ads.example";
            builder.Configuration["Gateway:Filtering:Rules:1:Action"] = "Deny";
            builder.Configuration["Gateway:Filtering:Rules:1:Message"] = "Keine Werbung.";
            foreach (var (key, value) in settings)
            {
                builder.Configuration[key] = value;
            }

            builder.Services.AddFiltering();
        },
        ListenerRole.Reverse);
}
