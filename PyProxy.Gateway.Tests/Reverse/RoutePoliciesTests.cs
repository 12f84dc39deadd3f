using System.Net;
using PyProxy.Gateway.Configuration;
using PyProxy.Gateway.Tests.Configuration;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Reverse;

/// <summary>Policies that routes name, defined in the configuration alone, through the whole gateway.</summary>
public sealed class RoutePoliciesTests : IAsyncLifetime
{
    private const string Policies = """
        "RoutePolicies": {
          "Timeouts": { "short": "00:00:00.1" },
          "Cors": { "app": { "Origins": [ "https://app.example", "https://*.partner.example" ], "Methods": [ "PUT" ], "Headers": [ "X-Note" ], "MaxAge": "00:01:00" } } }
        """;

    private OriginServer _origin = null!;
    private GatewayServer _gateway = null!;

    public async ValueTask InitializeAsync()
    {
        _origin = await OriginServer.StartAsync(endpoints: static app => app.MapGet("/slow", static context => Task.Delay(Timeout.Infinite, context.RequestAborted)));
        _gateway = await GatewayServer.StartAsync(_origin.Address, Policies, static text => WithRoute(text, "app"));
    }

    public async ValueTask DisposeAsync()
    {
        await _gateway.DisposeAsync();
        await _origin.DisposeAsync();
    }

    [Fact]
    public async Task TimeoutPolicy_EndsARequestThatTakesLonger()
    {
        using var client = new HttpClient();

        using var answer = await client.GetAsync(new Uri(_gateway.Url("Web"), "/slow"), TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.GatewayTimeout, answer.StatusCode);
    }

    [Theory]
    [InlineData("https://app.example", true)]
    [InlineData("https://a.partner.example", true)]
    [InlineData("https://evil.example", false)]
    public async Task CorsPolicy_AnswersThePreflightItself(string origin, bool allowed)
    {
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Options, _gateway.Url("Web"));
        request.Headers.Add("Origin", origin);
        request.Headers.Add("Access-Control-Request-Method", "PUT");
        request.Headers.Add("Access-Control-Request-Headers", "X-Note");

        using var answer = await client.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(allowed ? origin : null, answer.Headers.TryGetValues("Access-Control-Allow-Origin", out var origins) ? origins.Single() : null);
        Assert.Equal(allowed ? "60" : null, answer.Headers.TryGetValues("Access-Control-Max-Age", out var ages) ? ages.Single() : null);
        Assert.Empty(_origin.Requests);
    }

    [Fact]
    public async Task CorsPolicy_MarksTheAnswer()
    {
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, _gateway.Url("Web"));
        request.Headers.Add("Origin", "https://app.example");

        using var answer = await client.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal("origin", await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal("https://app.example", answer.Headers.GetValues("Access-Control-Allow-Origin").Single());
    }

    [Theory]
    [InlineData("TimeoutPolicy")]
    [InlineData("CorsPolicy")]
    [InlineData("AuthorizationPolicy")]
    [InlineData("RateLimiterPolicy")]
    [InlineData("OutputCachePolicy")]
    public async Task NameThatIsNowhereDefined_IsAMistakeWithItsPath(string key)
    {
        using var directory = new ConfigurationDirectory();
        directory.Write(GatewayServer.Configuration(directory.Root, _origin.Address, Policies).Replace(
            "\"Match\"", $"\"{key}\": \"ap\", \"Match\"", StringComparison.Ordinal));

        var loaded = await ConfigurationLoader.Create(new ConfigurationFile(directory.File), ConfigurationOverrides.None, Features.AddAll)
            .LoadAsync(TestContext.Current.CancellationToken);

        var problem = Assert.Single(loaded.Problems);
        Assert.Contains("ap", problem.Message, StringComparison.Ordinal);
        Assert.StartsWith("$.ReverseProxy.Routes.all", problem.JsonPath, StringComparison.Ordinal);
    }

    private static string WithRoute(string text, string cors) => text.Replace(
        "\"Match\"", $"\"TimeoutPolicy\": \"short\", \"CorsPolicy\": \"{cors}\", \"Match\"", StringComparison.Ordinal);
}
