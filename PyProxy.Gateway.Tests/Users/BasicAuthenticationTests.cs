using System.Net;
using System.Text;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using PyProxy.Gateway.Http;
using PyProxy.Gateway.Tests.Http;
using PyProxy.Gateway.Traffic;
using PyProxy.Gateway.Users;

namespace PyProxy.Gateway.Tests.Users;

public sealed class BasicAuthenticationTests
{
    private static readonly string Hash = PasswordHash.Create("se:cret").ToString();
    private static readonly string Right = Encode("alice:se:cret");

    [Fact]
    public async Task Reverse_ChallengesWith401AndTakesAuthorization()
    {
        await using var gateway = await StartAsync(ListenerRole.Reverse);
        using var challenged = await gateway.Client.GetAsync("/", TestContext.Current.CancellationToken);
        using var accepted = await SendAsync(gateway, "/", "Authorization", Right);

        Assert.Equal(HttpStatusCode.Unauthorized, challenged.StatusCode);
        Assert.Equal("Basic realm=\"PyProxy.Gateway\", charset=\"UTF-8\"", challenged.Headers.WwwAuthenticate.Single().ToString());
        Assert.Equal("application/problem+json", challenged.Content.Headers.ContentType!.MediaType);
        Assert.Equal(HttpStatusCode.OK, accepted.StatusCode);
        Assert.Equal("alice", gateway.LastExchange!.User);
        Assert.Equal("Basic", gateway.LastExchange.AuthenticationScheme);
    }

    [Fact]
    public async Task Forward_ChallengesWith407_AndTheConnectionStaysUsable()
    {
        await using var gateway = await StartAsync(ListenerRole.Forward);
        var answer = await gateway.ExchangeRawAsync(
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
            + $"GET / HTTP/1.1\r\nHost: a\r\nProxy-Authorization: {Right}\r\nConnection: close\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 407 ", answer, StringComparison.Ordinal);
        Assert.Contains("Proxy-Authenticate: Basic realm=", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("WWW-Authenticate", answer, StringComparison.Ordinal);
        Assert.Contains("HTTP/1.1 200 OK", answer, StringComparison.Ordinal);
        Assert.Contains("alice, header seen: False", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Basic !!!")]
    [InlineData("Basic YWxpY2U=")]
    [InlineData("Basic YTr/")]
    [InlineData("Basic YTpiAGM=")]
    [InlineData("Digest x")]
    public async Task BadCredentials_AreChallengedAgain(string value)
    {
        await using var gateway = await StartAsync(ListenerRole.Forward);
        using var response = await SendAsync(gateway, "/", "Proxy-Authorization", value);

        Assert.Equal(HttpStatusCode.ProxyAuthenticationRequired, response.StatusCode);
        Assert.Equal(Verdict.Unauthenticated, gateway.LastExchange!.Verdict);
        Assert.DoesNotContain(gateway.Logs.GetSnapshot(), r => r.Level >= LogLevel.Error || r.Message.Contains(value, StringComparison.Ordinal));
    }

    [Fact]
    public async Task TwoFields_AreRefused_EvenIfBothAreRight()
    {
        await using var gateway = await StartAsync(ListenerRole.Forward);
        var answer = await gateway.ExchangeRawAsync(
            $"GET / HTTP/1.1\r\nHost: a\r\nProxy-Authorization: {Right}\r\nProxy-Authorization: {Right}\r\nConnection: close\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 407 ", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task KnownUserWhoIsNotAllowed_Gets403AndNoChallenge()
    {
        await using var gateway = await StartAsync(ListenerRole.Forward);
        using var response = await SendAsync(gateway, "/admins", "Proxy-Authorization", Right);

        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        Assert.Empty(response.Headers.ProxyAuthenticate);
        Assert.True(response.Headers.Contains("Proxy-Status"));
    }

    [Fact]
    public async Task RouteThatAsksForNobody_LeavesCredentialsToTheOrigin()
    {
        await using var gateway = await StartAsync(ListenerRole.Reverse);
        using var attempts = Attempts(gateway);
        using var response = await SendAsync(gateway, "/open", "Authorization", Encode("origin:user"));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Empty(attempts.GetMeasurementSnapshot());
    }

    [Fact]
    public async Task Attempts_AreCountedByOutcome()
    {
        await using var gateway = await StartAsync(ListenerRole.Forward);
        using var attempts = Attempts(gateway);
        using var accepted = await SendAsync(gateway, "/", "Proxy-Authorization", Right);
        using var rejected = await SendAsync(gateway, "/", "Proxy-Authorization", Encode("alice:wrong"));
        using var malformed = await SendAsync(gateway, "/", "Proxy-Authorization", "Basic ?");

        Assert.Equal(["accepted", "rejected", "malformed"], attempts.GetMeasurementSnapshot().Select(m => m.Tags["outcome"]));
    }

    [Fact]
    public async Task UserVerifiedBeforeHttp_IsTaken()
    {
        await using var gateway = await StartAsync(ListenerRole.Socks, connection => connection.Features.Set<IVerifiedUserFeature>(
            new Verified(new KnownUser("bob", [], plan: null), default, default)));
        Assert.StartsWith("bob", await gateway.Client.GetStringAsync("/", TestContext.Current.CancellationToken), StringComparison.Ordinal);
        Assert.Equal("Socks5", gateway.LastExchange!.AuthenticationScheme);
    }

    private static MetricCollector<long> Attempts(MiniGateway gateway)
        => new(gateway.Services.GetRequiredService<System.Diagnostics.Metrics.IMeterFactory>(), "PyProxy.Gateway", "pyproxy.authentication.attempts");

    private static string Encode(string text) => "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private static Task<HttpResponseMessage> SendAsync(MiniGateway gateway, string path, string field, string value)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        Assert.True(request.Headers.TryAddWithoutValidation(field, value));
        return gateway.Client.SendAsync(request, TestContext.Current.CancellationToken);
    }

    private static Task<MiniGateway> StartAsync(ListenerRole role, Action<ConnectionContext>? onConnection = null) => MiniGateway.StartAsync(
        app =>
        {
            app.UseProxyErrors();
            app.UseRouting();
            app.UseUserAuthentication();
            app.UseUserAuthorization();
            app.MapGet("/", Answer).RequireAuthorization();
            app.MapGet("/admins", Answer).RequireAuthorization(policy => policy.RequireRole("admins"));
            app.MapGet("/open", Answer);
        },
        builder =>
        {
            builder.Configuration["Gateway:Users:Accounts:alice:PasswordHash"] = Hash;
            builder.Services.AddUsers();
        },
        role,
        onConnection);

    private static string Answer(HttpContext context)
        => $"{context.User.Identity!.Name}, header seen: {context.Request.Headers.ContainsKey("Proxy-Authorization")}";

    private sealed record Verified(KnownUser User, DateTimeOffset VerifiedFrom, DateTimeOffset VerifiedUntil) : IVerifiedUserFeature;
}
