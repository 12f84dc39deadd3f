using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Options;
using PyProxy.Gateway.Configuration;
using PyProxy.Gateway.Resilience;

namespace PyProxy.Gateway.Tests.Functional;

/// <summary>Pipelines in the whole gateway: both roles, the access log, a reload, and what a configuration may say.</summary>
public sealed class ResilienceTests
{
    private const string Retries = """
        "Resilience": { "Pipelines": { "p": { "Retry": { "MaxRetries": 1, "Delay": "00:00:00" } } } }, "Forward": { "Resilience": "p" },
        "Egress": { "AllowedAddresses": [ "127.0.0.1" ] }
        """;

    [Theory]
    [InlineData("Web")]
    [InlineData("Open")]
    public async Task FailedTry_IsRepeatedOnBothRoles_AndTheAccessLogCounts(string endpoint)
    {
        await using var origin = await FailingEverySecondTimeAsync();
        await using var gateway = await GatewayServer.StartAsync(origin.Address, Retries, UnderPipeline);
        using var http = endpoint == "Web"
            ? new HttpClient { BaseAddress = gateway.Url("Web") }
            : new HttpClient(new HttpClientHandler { Proxy = new WebProxy(gateway.Url(endpoint)) }) { BaseAddress = origin.Address };

        Assert.Equal("answer", await http.GetStringAsync("/", TestContext.Current.CancellationToken));

        Assert.Equal(2, origin.Requests.Count);
        var log = Path.Combine(Path.GetDirectoryName(gateway.ConfigurationPath)!, "access.log");
        await Poll.UntilAsync(async () => File.Exists(log) && (await gateway.AccessLogAsync()).EndsWith('\n')); // its first record makes it
        Assert.Equal(2, JsonDocument.Parse(await gateway.AccessLogAsync()).RootElement.GetProperty("attempts").GetInt32());
    }

    [Fact]
    public async Task ReloadedPipeline_HoldsForTheNextRequest()
    {
        await using var origin = await FailingEverySecondTimeAsync();
        await using var gateway = await GatewayServer.StartAsync(origin.Address, Retries, UnderPipeline);
        using var http = new HttpClient { BaseAddress = gateway.Url("Web") };
        var pipelines = gateway.Services.GetRequiredService<IOptionsMonitor<ResilienceOptions>>();

        var text = await File.ReadAllTextAsync(gateway.ConfigurationPath, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(
            gateway.ConfigurationPath,
            text.Replace("\"MaxRetries\": 1", "\"MaxRetries\": 0", StringComparison.Ordinal),
            TestContext.Current.CancellationToken);
        await gateway.Services.GetRequiredService<ConfigurationReloader>().ReloadAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, pipelines.CurrentValue.Pipelines["p"].Retry.MaxRetries);

        using var response = await http.GetAsync("/", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
    }

    [Fact]
    public async Task WrongNamesAndValues_AreNamedWithTheirPaths()
    {
        using var directory = new TemporaryDirectory("resilience");
        var path = Path.Combine(directory.Path, "appsettings.json");
        await File.WriteAllTextAsync(
            path,
            """
            {
              "ReverseProxy": { "Clusters": {
                "misspelt": { "Metadata": { "Resilience": "pp", "PanicThreshold": "much" } },
                "judged-twice": { "Metadata": { "Resilience": "p" }, "HealthCheck": { "Passive": { "Enabled": true } } } } },
              "Gateway": {
                "Forward": { "Resilience": "other" },
                "Resilience": { "Pipelines": { "p": { "CircuitBreaker": { "FailureRate": 0.5, "Window": "00:00:00.1" } } } } }
            }
            """,
            TestContext.Current.CancellationToken);
        var loader = ConfigurationLoader.Create(new ConfigurationFile(path), ConfigurationOverrides.None, Program.AddFeatures);
        var loaded = await loader.LoadAsync(TestContext.Current.CancellationToken);

        Assert.Equal(
            [
                "$.ReverseProxy.Clusters.misspelt.Metadata.Resilience", "$.ReverseProxy.Clusters.misspelt.Metadata.PanicThreshold",
                "$.ReverseProxy.Clusters.judged-twice.HealthCheck.Passive", "$.Gateway.Forward.Resilience",
                "$.Gateway.Resilience.Pipelines.p.CircuitBreaker.Window",
            ],
            loaded.Problems.Select(static problem => problem.JsonPath.Replace("['judged-twice']", ".judged-twice", StringComparison.Ordinal)));
    }

    private static string UnderPipeline(string configuration) => configuration.Replace(
        "\"Clusters\": { \"origin\": {", "\"Clusters\": { \"origin\": { \"Metadata\": { \"Resilience\": \"p\" },", StringComparison.Ordinal);

    private static Task<OriginServer> FailingEverySecondTimeAsync()
    {
        var count = 0;
        return OriginServer.StartAsync(endpoints: app => app.Use((HttpContext context, RequestDelegate _) =>
        {
            context.Response.StatusCode = Interlocked.Increment(ref count) % 2 == 1 ? 503 : 200;
            return context.Response.WriteAsync("answer");
        }));
    }
}
