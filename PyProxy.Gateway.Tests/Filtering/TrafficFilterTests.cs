using System.Net;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using PyProxy.Gateway.Filtering;
using PyProxy.Gateway.Http;
using PyProxy.Gateway.Tests.Http;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Filtering;

public sealed class TrafficFilterTests
{
    [Theory]
    [InlineData("ads.example", 403)]
    [InlineData("ADS.Example", 403)]
    [InlineData("ads.example.", 403)]
    [InlineData("ads.example:8080", 403)]
    [InlineData("tracker.ads.example", 200)]
    [InlineData("shadow.example", 200)]
    [InlineData("fine.example", 200)]
    [InlineData("a..b", 400)]
    public async Task HostOfARequest_IsJudgedInWhateverSpelling(string host, int status)
    {
        await using var gateway = await StartAsync();
        var answer = await gateway.ExchangeRawAsync($"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");

        Assert.StartsWith($"HTTP/1.1 {status} ", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TargetOfAForwardRequest_GoesBeforeItsHostField()
    {
        await using var gateway = await StartAsync(target: new HostPort("ads.example", 443));
        using var response = await gateway.Client.GetAsync("/", TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        var body = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.Contains("\"decidedBy\":\"no-ads\"", body, StringComparison.Ordinal);
        Assert.Contains("\"setting\":\"Gateway:Filtering:Rules:1\"", body, StringComparison.Ordinal);
        Assert.Equal(Verdict.Denied, gateway.LastExchange!.Verdict);
    }

    [Fact]
    public async Task ReportOnlyRule_IsCountedAndLeavesTheDecisionToOthers()
    {
        await using var gateway = await StartAsync(target: new HostPort("shadow.example", 443));
        using var verdicts = new MetricCollector<long>(
            gateway.Services.GetRequiredService<System.Diagnostics.Metrics.IMeterFactory>(), "PyProxy.Gateway", "pyproxy.filter.verdicts");
        using var response = await gateway.Client.GetAsync("/", TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(
            ["shadow would_deny", "default allow"],
            verdicts.GetMeasurementSnapshot().Select(m => $"{m.Tags["rule"]} {m.Tags["verdict"]}"), StringComparer.Ordinal);
        Assert.Contains(gateway.Logs.GetSnapshot(), r => r.Message.Contains("shadow", StringComparison.Ordinal));
    }

    [Fact]
    public async Task DefaultDeny_RefusesWhatNoRuleAllows()
    {
        await using var gateway = await StartAsync(@default: "Deny");
        gateway.Client.DefaultRequestHeaders.Host = "tracker.ads.example";
        using var allowed = await gateway.Client.GetAsync("/", TestContext.Current.CancellationToken);
        gateway.Client.DefaultRequestHeaders.Host = "fine.example";
        using var denied = await gateway.Client.GetAsync("/", TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, allowed.StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, denied.StatusCode);
        Assert.Equal("Gateway:Filtering:Default", gateway.LastExchange!.Error!.Setting);
    }

    [Fact]
    public async Task AdminRole_IsExempt()
    {
        await using var gateway = await StartAsync(@default: "Deny", role: ListenerRole.Admin);
        Assert.Equal("fine", await gateway.Client.GetStringAsync("/", TestContext.Current.CancellationToken));
    }

    private static Task<MiniGateway> StartAsync(HostPort? target = null, string @default = "Allow", ListenerRole role = ListenerRole.Reverse)
        => MiniGateway.StartAsync(
            app =>
            {
                app.UseProxyErrors();
                app.UseTrafficFilter();
                app.Run(context => context.Response.WriteAsync("fine"));
            },
            builder =>
            {
                var rules = builder.Configuration.GetSection("Gateway:Filtering");
                rules["Default"] = @default;
                rules["Rules:0:Name"] = "tracker";
                rules["Rules:0:Match:Hosts:0"] = "tracker.ads.example";
                rules["Rules:0:Action"] = "Allow";
                rules["Rules:1:Name"] = "no-ads";
                rules["Rules:1:Match:Hosts:0"] = "*.ads.example";
                rules["Rules:1:Match:Hosts:1"] = "ads.example";
                rules["Rules:1:Action"] = "Deny";
                rules["Rules:2:Name"] = "shadow";
                rules["Rules:2:Match:Hosts:0"] = "shadow.example";
                rules["Rules:2:Action"] = "Deny";
                rules["Rules:2:Mode"] = "ReportOnly";
                builder.Services.AddFiltering();
            },
            role,
            onExchange: (_, exchange) =>
            {
                exchange.Target = target;
                return Task.CompletedTask;
            });
}
