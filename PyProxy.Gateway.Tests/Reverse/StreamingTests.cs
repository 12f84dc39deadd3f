using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Reverse;

public sealed class StreamingTests
{
    [Fact]
    public async Task ServerSentEvent_ArrivesBeforeTheNextIsWritten()
    {
        using var next = new SemaphoreSlim(0);
        await using var origin = await OriginServer.StartAsync(endpoints: app => app.MapGet("/events", async (HttpContext context) =>
        {
            context.Response.ContentType = "text/event-stream";
            for (var i = 0; i < 3; i++)
            {
                await context.Response.WriteAsync($"data: {i}\n\n");
                await context.Response.Body.FlushAsync();
                await next.WaitAsync(context.RequestAborted);
            }
        }));
        await using var gateway = await ReverseGateway.StartAsync(origin.Address);

        using var response = await gateway.GetAsync("/events");
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));

        for (var i = 0; i < 3; i++)
        {
            var line = await reader.ReadLineAsync(TestContext.Current.CancellationToken).AsTask()
                .WaitAsync(ReverseGateway.Patience, TestContext.Current.CancellationToken);
            Assert.Equal($"data: {i}", line);
            await reader.ReadLineAsync(TestContext.Current.CancellationToken);
            next.Release();
        }
    }

    [Fact]
    public async Task RouteThatLimitsBodies_RefusesLargerOnes()
    {
        await using var origin = await OriginServer.StartAsync();
        await using var gateway = await ReverseGateway.StartAsync(origin.Address, ("Routes:all:MaxRequestBodySize", "10"));
        using var request = Request(gateway, 1, HttpMethod.Post, "/");
        request.Content = new StringContent(new string('x', 11));

        using var response = await gateway.Client.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
    }

    [Fact]
    public async Task ExpectedContinue_ComesFromTheOrigin()
    {
        await using var origin = await OriginServer.StartAsync(endpoints: static app =>
        {
            app.MapPost("/take", static context => context.Request.Body.CopyToAsync(context.Response.Body, context.RequestAborted));
            app.MapPost("/refuse", static () => Results.StatusCode(StatusCodes.Status417ExpectationFailed));
        });
        await using var gateway = await ReverseGateway.StartAsync(origin.Address);

        Assert.Equal((HttpStatusCode.OK, "hello"), await PostAsync("/take"));
        Assert.Equal(HttpStatusCode.ExpectationFailed, (await PostAsync("/refuse")).Status);

        async Task<(HttpStatusCode Status, string Body)> PostAsync(string path)
        {
            using var request = Request(gateway, 1, HttpMethod.Post, path);
            request.Headers.ExpectContinue = true;
            request.Content = new StringContent("hello");
            using var response = await gateway.Client.SendAsync(request, TestContext.Current.CancellationToken);
            return (response.StatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        }
    }

    [Fact]
    public async Task OriginThatStaysSilent_TimesOutAsItsClusterSays()
    {
        var never = new TaskCompletionSource();
        await using var origin = await OriginServer.StartAsync(endpoints: app => app.MapGet("/slow", () => never.Task));
        await using var gateway = await ReverseGateway.StartAsync(origin.Address, ("Clusters:one:HttpRequest:ActivityTimeout", "00:00:00.2"));

        using var response = await gateway.GetAsync("/slow");
        never.SetResult();

        Assert.Equal(HttpStatusCode.GatewayTimeout, response.StatusCode);
        Assert.Equal("http_response_timeout", gateway.LastExchange!.Error?.Token);
    }

    [Theory]
    [InlineData(1, "1.1", "HTTP/1.1")]
    [InlineData(1, "2", "HTTP/2")]
    [InlineData(2, "2", "HTTP/2")]
    [InlineData(2, "1.1", "HTTP/1.1")]
    public async Task HttpVersionOfTheCluster_IsSpokenWhateverTheClientSpeaks(int clientVersion, string originVersion, string expected)
    {
        await using var origin = await OriginServer.StartAsync(protocols: originVersion == "2" ? HttpProtocols.Http2 : HttpProtocols.Http1);
        await using var gateway = await ReverseGateway.StartAsync(
            origin.Address, ("Clusters:one:HttpRequest:Version", originVersion), ("Clusters:one:HttpRequest:VersionPolicy", "RequestVersionExact"));
        using var request = Request(gateway, clientVersion, HttpMethod.Get, "/a%2Fb");

        using var response = await gateway.Client.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal("origin", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal((expected, "/a%2Fb"), (origin.LastRequest.Protocol, origin.LastRequest.Target));
        Assert.Equal($"{(clientVersion == 2 ? "2.0" : "1.1")} gateway-test", origin.LastRequest["Via"]);
    }

    internal static HttpRequestMessage Request(ReverseGateway gateway, int version, HttpMethod method, string path)
        => new(method, new Uri(version == 2 ? gateway.Http2Address : gateway.Address, path))
        {
            Version = new Version(version, version == 2 ? 0 : 1),
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
}
