using PyProxy.Gateway.Http;

namespace PyProxy.Gateway.Tests.Http;

public sealed class RequestRulesTests
{
    [Theory]
    [InlineData("get / HTTP/1.1", "501")]
    [InlineData("TRACE / HTTP/1.1", "501")]
    [InlineData("GET /a/../b HTTP/1.1", "400")]
    [InlineData("GET /a%2f%2e%2e/b HTTP/1.1", "400")]
    [InlineData("GET /a#b HTTP/1.1", "400")]
    [InlineData("GET http://h/a/%2e%2e/b HTTP/1.1", "400")]
    [InlineData("GET / HTTP/1.1\r\nVia: 1.1 gateway-test", "508")]
    [InlineData("OPTIONS / HTTP/1.1\r\nMax-Forwards: many", "400")]
    [InlineData("POST / HTTP/1.1\r\nContent-Length: +5", "400")]
    [InlineData("POST / HTTP/1.1\r\nContent-Length: 99999999999999999999", "400")]
    public async Task RequestThatAProxyMayNotForward_IsRefused(string head, string status)
    {
        var reached = false;
        await using var gateway = await StartAsync(_ => reached = true);

        var answer = await gateway.ExchangeRawAsync($"{head}\r\nHost: h\r\nConnection: close\r\n\r\n");

        Assert.StartsWith($"HTTP/1.1 {status} ", answer, StringComparison.Ordinal);
        Assert.False(reached);
    }

    [Fact]
    public async Task RefusedTrace_ReflectsNoCredentials()
    {
        await using var gateway = await StartAsync(_ => { });

        var answer = await gateway.ExchangeRawAsync("TRACE / HTTP/1.1\r\nHost: h\r\nCookie: secret\r\nMax-Forwards: 0\r\nConnection: close\r\n\r\n");

        Assert.DoesNotContain("secret", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("OPTIONS / HTTP/1.1\r\nMax-Forwards: 0")]
    [InlineData("OPTIONS * HTTP/1.1")]
    public async Task OptionsForTheGatewayItself_IsAnswered(string head)
    {
        var reached = false;
        await using var gateway = await StartAsync(_ => reached = true);

        var answer = await gateway.ExchangeRawAsync($"{head}\r\nHost: h\r\nConnection: close\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 200 ", answer, StringComparison.Ordinal);
        Assert.Contains("Allow: GET,", answer, StringComparison.Ordinal);
        Assert.False(reached);
    }

    [Fact]
    public async Task OptionsWithForwardsLeft_GoesOnWithOneLess()
    {
        string? forwards = null;
        await using var gateway = await StartAsync(context => forwards = context.Request.Headers.MaxForwards);

        await gateway.ExchangeRawAsync("OPTIONS / HTTP/1.1\r\nHost: h\r\nMax-Forwards: 5\r\nConnection: close\r\n\r\n");

        Assert.Equal("4", forwards);
    }

    [Theory]
    [InlineData("Connection: X-Nom, keep-alive")]
    [InlineData("Connection: X-Nom, close")]
    [InlineData("Connection: X-Nom\r\nConnection: keep-alive")]
    [InlineData("Connection: keep-alive\r\nConnection: X-Nom")]
    public async Task NominationBesideAnOptionThatTheServerKnows_IsNotLost(string connection)
    {
        var seen = new List<string>();
        await using var gateway = await StartAsync(context => seen.AddRange(context.Request.Headers.Keys));

        var answer = await gateway.ExchangeRawAsync($"GET / HTTP/1.1\r\nHost: h\r\n{connection}\r\nX-Nom: 1\r\nX-End: 1\r\n\r\n");

        Assert.Contains("Connection: close", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("X-Nom", seen, StringComparer.OrdinalIgnoreCase);
        Assert.Contains("X-End", seen, StringComparer.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task AuthorityOfAnAbsoluteTarget_ReplacesTheHostField()
    {
        string? host = null;
        await using var gateway = await StartAsync(context => host = context.Request.Headers.Host);

        await gateway.ExchangeRawAsync("GET http://right.test/ HTTP/1.1\r\nHost: wrong.test\r\nConnection: close\r\n\r\n");

        Assert.Equal("right.test", host);
    }

    private static Task<MiniGateway> StartAsync(Action<HttpContext> endpoint)
        => MiniGateway.StartAsync(
            app =>
            {
                app.UseProxyErrors();
                app.UseRequestRules();
                app.Run(context =>
                {
                    endpoint(context);
                    return Task.CompletedTask;
                });
            },
            builder => builder.Services.AddRequestRules());
}
