using System.Net;
using System.Net.Sockets;
using PyProxy.Gateway.Http;
using PyProxy.Gateway.Traffic;
using Yarp.ReverseProxy.Forwarder;

namespace PyProxy.Gateway.Tests.Http;

public sealed class ProxyErrorsMiddlewareTests
{
    [Fact]
    public async Task ProxyExceptionAnywhereInTheChain_IsItsError()
    {
        await using var gateway = await StartAsync(
            _ => throw new InvalidOperationException("outer", new HttpRequestException("middle", new ProxyException(ProxyErrors.DnsFailure("no such name")))));
        using var response = await gateway.Client.GetAsync("/", TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Contains("dns_error", response.Headers.GetValues("Proxy-Status").Single(), StringComparison.Ordinal);
        Assert.Equal(Verdict.Allowed, gateway.LastExchange!.Verdict);
    }

    [Fact]
    public async Task UnhandledException_IsLoggedOnceAndHurtsItsOwnExchangeAlone()
    {
        await using var gateway = await StartAsync(
            context => context.Request.Path == "/bad" ? throw new InvalidOperationException("secret detail") : context.Response.WriteAsync("fine"));
        using var bad = await gateway.Client.GetAsync("/bad", TestContext.Current.CancellationToken);
        var body = await bad.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.InternalServerError, bad.StatusCode);
        Assert.DoesNotContain("secret", body, StringComparison.Ordinal);
        Assert.Equal("fine", await gateway.Client.GetStringAsync("/good", TestContext.Current.CancellationToken));
        var record = Assert.Single(gateway.Logs.GetSnapshot(), r => r.Exception is not null);
        Assert.Contains("d-1", record.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TooLargeBody_Is413AndNamesTheSetting()
    {
        await using var gateway = await StartAsync(
            context => context.Request.Body.CopyToAsync(Stream.Null), maxBody: 10);
        using var content = new ByteArrayContent(new byte[100]);
        using var response = await gateway.Client.PostAsync("/", content, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        Assert.Contains(
            "Kestrel:Limits:MaxRequestBodySize", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ClientThatLeft_IsNotedAndNothingIsLogged()
    {
        var entered = new TaskCompletionSource();
        var left = new TaskCompletionSource<ProxyError?>();
        await using var gateway = await MiniGateway.StartAsync(app =>
        {
            app.Use(async (context, next) =>
            {
                await next(context);
                left.SetResult(Exchange.Of(context).Error);
            });
            app.UseProxyErrors();
            app.Run(async context =>
            {
                entered.SetResult();
                await Task.Delay(Timeout.Infinite, context.RequestAborted);
            });
        });
        using (var socket = new Socket(SocketType.Stream, ProtocolType.Tcp))
        {
            await socket.ConnectAsync(gateway.Address.Host, gateway.Address.Port, TestContext.Current.CancellationToken);
            await socket.SendAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n"u8.ToArray(), TestContext.Current.CancellationToken);
            await entered.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        }

        var error = await left.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Equal(499, error!.Status);
        Assert.DoesNotContain(gateway.Logs.GetSnapshot(), r => r.Level >= LogLevel.Warning);
    }

    [Fact]
    public async Task PathWithoutRoute_IsExplained()
    {
        await using var gateway = await StartAsync(null);
        using var response = await gateway.Client.GetAsync("/", TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Contains("destination_not_found", response.Headers.GetValues("Proxy-Status").Single(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task MethodWithoutRoute_Is405WithAllow()
    {
        await using var gateway = await MiniGateway.StartAsync(app =>
        {
            app.UseProxyErrors();
            app.UseRouting();
            app.MapPost("/only", () => "posted");
        });
        using var response = await gateway.Client.GetAsync("/only", TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.MethodNotAllowed, response.StatusCode);
        Assert.Equal(["POST"], response.Content.Headers.Allow);
        Assert.True(response.Headers.Contains("Proxy-Status"));
    }

    [Fact]
    public async Task AnswerOfAnOriginWithoutBody_IsLeftAlone()
    {
        await using var gateway = await MiniGateway.StartAsync(app =>
        {
            app.UseProxyErrors();
            app.UseRouting();
            app.MapGet("/", context =>
            {
                context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
                return Task.CompletedTask;
            });
        });
        using var response = await gateway.Client.GetAsync("/", TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.False(response.Headers.Contains("Proxy-Status"));
        Assert.Equal(0, response.Content.Headers.ContentLength);
    }

    [Theory]
    [InlineData(ForwarderError.NoAvailableDestinations, 503, "destination_unavailable")]
    [InlineData(ForwarderError.RequestTimedOut, 504, "http_response_timeout")]
    [InlineData(ForwarderError.RequestCanceled, 504, "http_response_timeout")]
    [InlineData(ForwarderError.Request, 502, "connection_terminated")]
    [InlineData(ForwarderError.ResponseHeaders, 502, "http_protocol_error")]
    public async Task FailedForward_IsExplained(ForwarderError error, int status, string token)
    {
        await using var gateway = await StartAsync(context =>
        {
            context.Response.StatusCode = 502;
            context.Features.Set<IForwarderErrorFeature>(new Failure(error, null));
            return Task.CompletedTask;
        });
        using var response = await gateway.Client.GetAsync("/", TestContext.Current.CancellationToken);

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Contains(token, response.Headers.GetValues("Proxy-Status").Single(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ForwardThatTheDialerRefused_SaysWhatTheDialerSaid()
    {
        var refused = ProxyErrors.DestinationProhibited("The address is private.", "Gateway:Egress:AllowedAddresses");
        await using var gateway = await StartAsync(context =>
        {
            context.Response.StatusCode = 502;
            context.Features.Set<IForwarderErrorFeature>(
                new Failure(ForwarderError.Request, new HttpRequestException("no connection", new ProxyException(refused))));
            return Task.CompletedTask;
        });
        using var response = await gateway.Client.GetAsync("/", TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        Assert.Same(refused, gateway.LastExchange!.Error);
    }

    [Fact]
    public async Task AnswerThatCameBeforeTheRequestBodyEnded_Stands()
    {
        await using var gateway = await StartAsync(context =>
        {
            context.Response.StatusCode = 403;
            context.Features.Set<IForwarderErrorFeature>(new Failure(ForwarderError.RequestBodyDestination, new IOException("reset")));
            return Task.CompletedTask;
        });
        using var response = await gateway.Client.GetAsync("/", TestContext.Current.CancellationToken);

        Assert.False(response.Headers.Contains("Proxy-Status"));
    }

    private static Task<MiniGateway> StartAsync(RequestDelegate? handler, long? maxBody = null) => MiniGateway.StartAsync(
        app =>
        {
            app.UseProxyErrors();
            if (handler is not null)
            {
                app.Run(handler);
            }
        },
        builder => builder.WebHost.ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = maxBody));

    private sealed record Failure(ForwarderError Error, Exception? Exception) : IForwarderErrorFeature;
}
