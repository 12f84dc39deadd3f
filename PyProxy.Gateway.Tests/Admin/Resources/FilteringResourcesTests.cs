using System.Net;
using PyProxy.Gateway.Tests.Filtering;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Admin.Resources;

public sealed class FilteringResourcesTests : IAsyncLifetime
{
    private readonly TemporaryDirectory _directory = new("lists");
    private OriginServer _origin = null!;
    private GatewayServer _gateway = null!;
    private AdminClient _admin = null!;

    private string ListFile => Path.Combine(_directory.Path, "ads.txt");

    public async ValueTask InitializeAsync()
    {
        _origin = await OriginServer.StartAsync(endpoints: static app => app.MapGet("/list", static () => Results.StatusCode(503)));
        await File.WriteAllTextAsync(ListFile, "||ads.localhost^\n||x.example^$third-party\n!comment\n||good.example^\n");
        _gateway = await GatewayServer.StartAsync(_origin.Address, $$"""
            "Egress": { "AllowedAddresses": [ "127.0.0.0/8", "::1" ], "ConnectPorts": [ "*" ] },
            "Filtering": {
              "Mode": "Enforce",
              "Lists": { "ads": { "Source": "{{ListFile}}", "Format": "AdBlock" }, "far": { "Source": "{{_origin.Address}}list?key=geheim", "Format": "Domains" } },
              "Rules": [
                { "Name": "watch", "Match": { "HostLists": [ "ads" ] }, "Action": "Deny", "Mode": "ReportOnly" },
                { "Name": "no-ads", "Match": { "HostLists": [ "ads" ] }, "Action": "Deny" } ],
              "ResponseRules": [ { "Name": "errors", "Match": { "Response": { "Statuses": [ "500-599" ] } }, "Action": "SetField", "Field": "X-Seen", "Value": "yes" } ] }
            """);
        _admin = new AdminClient(_gateway);
    }

    public async ValueTask DisposeAsync()
    {
        _admin.Dispose();
        await _gateway.DisposeAsync();
        await _origin.DisposeAsync();
        _directory.Dispose();
    }

    [Fact]
    public async Task Rules_HaveTheirPlacesAndCounts()
    {
        var host = $"ads.localhost:{_origin.Address.Port}";
        Assert.Equal(403, (await _gateway.AskAsync("forward", host)).Status);
        Assert.Equal(403, (await _gateway.AskAsync("reverse", host)).Status);

        var rules = await _admin.GetAsync("/rules");
        var (watch, denying) = (rules["requests"]![0]!, rules["requests"]![1]!);

        Assert.Equal(("allow", "enforce"), ((string?)rules["default"], (string?)rules["mode"]));
        Assert.Equal(("watch", "reportOnly", 0, 2), ((string?)watch["name"], (string?)watch["mode"], (int?)watch["hits"], (int?)watch["reported"]));
        Assert.Equal(("no-ads", "Deny", 2, 0), ((string?)denying["name"], (string?)denying["action"], (int?)denying["hits"], (int?)denying["reported"]));
        Assert.Equal("$.Gateway.Filtering.Rules[1]", (string?)denying["place"]!["jsonPath"]);
        Assert.True((int?)denying["place"]!["line"] > 1);
        Assert.Equal("SetField X-Seen", (string?)rules["responses"]![0]!["action"]);
    }

    [Fact]
    public async Task Lists_TellSizeAgeAndWhatWasLeftOut()
    {
        var lists = await _admin.GetAsync("/lists");
        var (ads, far) = (lists[0]!, lists[1]!);

        Assert.Equal(("ads", "adBlock", 2, 1, 0), ((string?)ads["name"], (string?)ads["format"], (int?)ads["entries"], (int?)ads["unsupported"], (int?)ads["failures"]));
        Assert.Equal(2, (int?)ads["firstLeftOut"]![0]);
        Assert.InRange((double)ads["ageSeconds"]!, 0, 600);
        Assert.Null(far["entries"]);
        Assert.Contains("503", (string?)far["error"], StringComparison.Ordinal);
        Assert.DoesNotContain("geheim", far.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task RefreshNow_IsAudited_AndFailuresSayWhy()
    {
        await File.WriteAllTextAsync(ListFile, "||one.example^\n||two.example^\n||three.example^\n", TestContext.Current.CancellationToken);
        var (updated, list) = await _admin.SendAsync(HttpMethod.Post, "/lists/ads/refresh");
        var (failed, problem) = await _admin.SendAsync(HttpMethod.Post, "/lists/far/refresh");
        var (unknown, _) = await _admin.SendAsync(HttpMethod.Post, "/lists/nothing/refresh");
        var audit = await File.ReadAllTextAsync(Path.Combine(Path.GetDirectoryName(_gateway.ConfigurationPath)!, "audit.log"), TestContext.Current.CancellationToken);

        Assert.Equal((HttpStatusCode.OK, "updated", 3), (updated, (string?)list!["outcome"], (int?)list["list"]!["entries"]));
        Assert.Equal(HttpStatusCode.BadGateway, failed);
        Assert.Contains("503", (string?)problem!["detail"], StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.NotFound, unknown);
        Assert.Contains("\"what\":\"POST /api/v1/lists/ads/refresh\"", audit, StringComparison.Ordinal);
        Assert.Contains("\"before\":{\"entries\":2", audit, StringComparison.Ordinal);
        Assert.Contains("\"after\":{\"entries\":3", audit, StringComparison.Ordinal);
    }
}
