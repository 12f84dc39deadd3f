using System.Net;
using System.Text.Json;
using PyProxy.Gateway.Http;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Http;

public sealed class RefusalWriterTests
{
    private static readonly ProxyError Denied =
        ProxyErrors.NotAllowed("<b>\"no\"</b> & never", decidedBy: "no-<ads>", setting: "Gateway:Filtering:Rules:0");

    [Fact]
    public async Task ClientWithoutPreference_GetsProblemJson()
    {
        await using var gateway = await StartAsync(Denied);
        using var response = await gateway.Client.GetAsync("/", TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType!.ToString());
        Assert.NotNull(response.Content.Headers.ContentLength);
        Assert.True(response.Headers.CacheControl!.NoStore);
        Assert.Equal("gateway-test; error=http_request_denied; details=\"<b>\\\"no\\\"</b> & never\"", response.Headers.GetValues("Proxy-Status").Single());
        var problem = await response.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        Assert.Equal("about:blank", problem.GetProperty("type").GetString());
        Assert.Equal("Forbidden", problem.GetProperty("title").GetString());
        Assert.Equal(403, problem.GetProperty("status").GetInt32());
        Assert.Equal(Denied.Detail, problem.GetProperty("detail").GetString());
        Assert.Equal("d-1", problem.GetProperty("decision").GetString());
        Assert.Equal("no-<ads>", problem.GetProperty("decidedBy").GetString());
        Assert.Equal("Gateway:Filtering:Rules:0", problem.GetProperty("setting").GetString());
    }

    [Theory]
    [InlineData("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true)]
    [InlineData("*/*", false)]
    [InlineData("application/json, text/html;q=0.5", false)]
    [InlineData("text/html;q=0", false)]
    [InlineData(";;;", false)]
    [InlineData("", false)]
    public void Accept_ChoosesTheForm(string accept, bool html) => Assert.Equal(html, RefusalBody.PrefersHtml(accept));

    [Fact]
    public async Task Browser_GetsAnEncodedPage()
    {
        await using var gateway = await StartAsync(Denied);
        gateway.Client.DefaultRequestHeaders.Add("Accept", "text/html,*/*;q=0.8");
        using var response = await gateway.Client.GetAsync("/", TestContext.Current.CancellationToken);
        var page = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

        Assert.Equal("text/html; charset=utf-8", response.Content.Headers.ContentType!.ToString());
        Assert.DoesNotContain("<b>", page, StringComparison.Ordinal);
        Assert.Contains("&lt;b&gt;", page, StringComparison.Ordinal);
        Assert.Contains("no-&lt;ads&gt;", page, StringComparison.Ordinal);
        Assert.Contains("d-1", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Head_GetsTheSameHeadWithoutBody()
    {
        await using var gateway = await StartAsync(Denied);
        var answer = await gateway.ExchangeRawAsync("HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 403", answer, StringComparison.Ordinal);
        Assert.Contains("Content-Length: ", answer, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\n", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Exchange_KnowsWhatWasAnswered()
    {
        await using var gateway = await StartAsync(ProxyErrors.TooManyRequests("plan standard: 20/s", TimeSpan.FromSeconds(1.2)));
        using var response = await gateway.Client.GetAsync("/", TestContext.Current.CancellationToken);

        Assert.Equal(TimeSpan.FromSeconds(2), response.Headers.RetryAfter!.Delta);
        Assert.Equal(Verdict.Limited, gateway.LastExchange!.Verdict);
        Assert.Equal("plan standard: 20/s", gateway.LastExchange.DecidedBy);
        Assert.Equal(429, gateway.LastExchange.Error!.Status);
    }

    [Fact]
    public async Task ConnectionThatIsNotHttp_IsToldTheError()
    {
        var told = new Refusals();
        await using var gateway = await MiniGateway.StartAsync(
            app => app.Run(context => context.RequestServices.GetRequiredService<RefusalWriter>().WriteAsync(context, Denied)),
            onConnection: connection => connection.Features.Set<ITunnelRefusalFeature>(told));
        using var response = await gateway.Client.GetAsync("/", TestContext.Current.CancellationToken);

        Assert.Same(Denied, told.Last);
    }

    [Fact]
    public async Task ResponseThatHasStarted_IsCut()
    {
        await using var gateway = await MiniGateway.StartAsync(app => app.Run(async context =>
        {
            context.Response.ContentLength = 100;
            await context.Response.WriteAsync("partial");
            await context.RequestServices.GetRequiredService<RefusalWriter>().WriteAsync(context, ProxyErrors.Internal);
        }));

        await Assert.ThrowsAnyAsync<HttpRequestException>(() => gateway.Client.GetStringAsync("/", TestContext.Current.CancellationToken));
        Assert.Same(ProxyErrors.Internal, gateway.LastExchange!.Error);
    }

    [Fact]
    public async Task HeadersOfAnAbandonedAnswer_AreGone_ChallengesStay()
    {
        await using var gateway = await MiniGateway.StartAsync(app => app.Run(context =>
        {
            context.Response.Headers.ETag = "\"x\"";
            context.Response.Headers.ContentEncoding = "gzip";
            context.Response.Headers.WWWAuthenticate = "Basic";
            return context.RequestServices.GetRequiredService<RefusalWriter>().WriteAsync(context, ProxyErrors.AuthenticationRequired(401));
        }));
        using var response = await gateway.Client.GetAsync("/", TestContext.Current.CancellationToken);

        Assert.Null(response.Headers.ETag);
        Assert.Empty(response.Content.Headers.ContentEncoding);
        Assert.Single(response.Headers.WwwAuthenticate);
    }

    [Theory]
    [InlineData("Content-Length: 30\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: ")]
    [InlineData("Transfer-Encoding: chunked\r\n\r\n1e\r\nGET /smuggled HTTP/1.1\r\nHost: \r\n0\r\n\r\n")]
    public async Task BodyOfARefusedRequest_IsNotTakenForARequest(string framedBody)
    {
        var seen = new List<string>();
        await using var gateway = await MiniGateway.StartAsync(
            app => app.Run(context => context.RequestServices.GetRequiredService<RefusalWriter>().WriteAsync(context, Denied)),
            onExchange: (context, _) =>
            {
                seen.Add(context.Request.Path);
                return Task.CompletedTask;
            });

        await gateway.ExchangeRawAsync(
            $"POST /first HTTP/1.1\r\nHost: a\r\n{framedBody}GET /second HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");

        Assert.Equal(["/first", "/second"], seen);
    }

    private static Task<MiniGateway> StartAsync(ProxyError error)
        => MiniGateway.StartAsync(app => app.Run(context => context.RequestServices.GetRequiredService<RefusalWriter>().WriteAsync(context, error)));

    private sealed class Refusals : ITunnelRefusalFeature
    {
        public ProxyError? Last { get; private set; }

        public void Refuse(ProxyError error) => Last = error;
    }
}
