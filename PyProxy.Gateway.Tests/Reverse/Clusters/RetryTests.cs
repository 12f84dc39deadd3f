using System.Collections.Concurrent;
using System.Net;
using System.Net.WebSockets;
using System.Text;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Reverse.Clusters;

/// <summary>What is tried again, where, and what never is.</summary>
public sealed class RetryTests
{
    private static readonly (string, string?)[] Twice = [("Retry:MaxRetries", "2"), ("Retry:Delay", "0"), ("Retry:BudgetMinimum", "1000")];

    [Theory]
    [InlineData(502)]
    [InlineData(503)]
    [InlineData(504)]
    public async Task FailureStatus_GoesToAnotherDestination(int status)
    {
        await using var a = await ResilientGateway.StatusAsync("a", status);
        await using var b = await OriginServer.StartAsync("b");
        await using var gateway = await ResilientGateway.StartAsync([a.Address, b.Address], Twice);

        using var tries = gateway.Metric("pyproxy.resilience.tries");

        Assert.Equal("b", await gateway.GetStringAsync("/"));

        Assert.Equal(
            [("first", "status"), ("retry", "answered")],
            tries.GetMeasurementSnapshot().Select(static m => ((string)m.Tags["kind"]!, (string)m.Tags["outcome"]!)));
        Assert.Single(a.Requests);
        Assert.Equal(2, gateway.LastExchange!.Attempts);
        Assert.Equal("b", gateway.LastExchange.Destination);
        Assert.Null(gateway.LastExchange.Error);
    }

    [Fact]
    public async Task RefusedConnection_GoesToAnotherDestination()
    {
        await using var b = await OriginServer.StartAsync("b");
        using var nobody = new ReservedPort();
        await using var gateway = await ResilientGateway.StartAsync([nobody.Url, b.Address], Twice);

        Assert.Equal("b", await gateway.GetStringAsync("/"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("HTTP/1.1 200 O")]
    public async Task ResetBeforeTheHeadIsThere_GoesToAnotherDestination(string sent)
    {
        await using var a = new RawOrigin(sent, reset: true);
        await using var b = await OriginServer.StartAsync("b");
        await using var gateway = await ResilientGateway.StartAsync([a.Address, b.Address], Twice);

        Assert.Equal("b", await gateway.GetStringAsync("/"));
    }

    [Fact]
    public async Task ResetInTheBody_IsNotRepeated()
    {
        await using var a = new RawOrigin("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbeginning", reset: true);
        await using var b = await OriginServer.StartAsync("b");
        await using var gateway = await ResilientGateway.StartAsync([a.Address, b.Address], Twice);

        await Assert.ThrowsAnyAsync<HttpRequestException>(() => gateway.GetStringAsync("/"));

        Assert.Empty(b.Requests);
    }

    [Theory]
    [InlineData("POST")]
    [InlineData("PATCH")]
    public async Task MethodThatIsNotIdempotent_IsNotRepeated(string method)
    {
        await using var a = await ResilientGateway.StatusAsync("a", 503);
        await using var b = await OriginServer.StartAsync("b");
        await using var gateway = await ResilientGateway.StartAsync([a.Address, b.Address], Twice);

        using var response = await SendAsync(gateway, method, new StringContent("x"));

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Empty(b.Requests);
        Assert.Equal(1, gateway.LastExchange!.Attempts);
    }

    [Theory]
    [InlineData(10)]
    [InlineData(64 * 1024)]
    public async Task BodyThatIsKept_IsSentAgainWhole(int length)
    {
        var bodies = new ConcurrentQueue<byte[]>();
        await using var a = await CollectingAsync("a", bodies, 503);
        await using var b = await CollectingAsync("b", bodies, 200);
        await using var gateway = await ResilientGateway.StartAsync([a.Address, b.Address], Twice);
        var body = Encoding.ASCII.GetBytes(new string('x', length - 1) + "!");

        using var response = await SendAsync(gateway, "PUT", new ByteArrayContent(body));

        Assert.Equal("b", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal([body, body], bodies);
    }

    /// <summary>The origins count: a body of which more was read than is kept reaches exactly one of them, whatever becomes of it there.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task BodyThatWasStreamed_IsNeverSentTwice(bool isChunked)
    {
        var bodies = new ConcurrentQueue<byte[]>();
        await using var a = await CollectingAsync("a", bodies, 503);
        await using var b = await CollectingAsync("b", bodies, 503);
        await using var gateway = await ResilientGateway.StartAsync([a.Address, b.Address], Twice);
        var body = new byte[(64 * 1024) + 1];

        using var content = new ByteArrayContent(body);
        using var request = new HttpRequestMessage(HttpMethod.Put, gateway.Address) { Content = content };
        request.Headers.TransferEncodingChunked = isChunked;
        using var response = await gateway.Client.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Single(bodies);
        Assert.Equal(1, gateway.LastExchange!.Attempts);
    }

    [Fact]
    public async Task LargeBodyThatNobodyHasRead_GoesToTheNextDestination()
    {
        var bodies = new ConcurrentQueue<byte[]>();
        await using var b = await CollectingAsync("b", bodies, 200);
        using var nobody = new ReservedPort();
        await using var gateway = await ResilientGateway.StartAsync([nobody.Url, b.Address], Twice);

        using var response = await SendAsync(gateway, "PUT", new ByteArrayContent(new byte[1024 * 1024]));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(1024 * 1024, Assert.Single(bodies).Length);
    }

    [Fact]
    public async Task LastTrysAnswer_IsTheClients()
    {
        await using var a = await ResilientGateway.StatusAsync("a", 503);
        await using var b = await ResilientGateway.StatusAsync("b", 504);
        await using var c = await ResilientGateway.StatusAsync("c", 502);
        await using var gateway = await ResilientGateway.StartAsync([a.Address, b.Address, c.Address], Twice);

        using var response = await gateway.GetAsync("/");

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Equal("c", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Null(gateway.LastExchange!.Error); // it is an answer of the destination's, not of the gateway's
    }

    [Fact]
    public async Task FewerDestinationsThanTries_BeginAgainButNotWithTheLast()
    {
        await using var a = await ResilientGateway.StatusAsync("a", 503);
        await using var b = await ResilientGateway.StatusAsync("b", 503);
        await using var gateway = await ResilientGateway.StartAsync([a.Address, b.Address], Twice);

        using var response = await gateway.GetAsync("/");

        Assert.Equal((2, 1), (a.Requests.Count, b.Requests.Count));
    }

    [Fact]
    public async Task BudgetThatIsUsedUp_LeavesTheFirstAnswer()
    {
        await using var a = await ResilientGateway.StatusAsync("a", 503);
        await using var b = await OriginServer.StartAsync("b");
        await using var gateway = await ResilientGateway.StartAsync(
            [a.Address, b.Address], ("Retry:MaxRetries", "2"), ("Retry:BudgetShare", "0"), ("Retry:BudgetMinimum", "0.1"));
        using var exhausted = gateway.Metric("pyproxy.resilience.budget_exhausted");

        Assert.Equal("b", await gateway.GetStringAsync("/"));
        Assert.Equal("a", await gateway.GetStringAsync("/"));
        Assert.Contains(exhausted.GetMeasurementSnapshot(), static m => (string?)m.Tags["pipeline"] == "p");
    }

    [Fact]
    public async Task WhatStagesBeforeSaid_StaysInTheAnswer()
    {
        await using var a = await ResilientGateway.StatusAsync("a", 503);
        await using var b = await OriginServer.StartAsync("b");
        await using var gateway = await ResilientGateway.StartAsync(
            [a.Address, b.Address],
            Twice,
            static app => app.Use(static (context, next) =>
            {
                context.Response.Headers["X-Before"] = "kept";
                return next(context);
            }));

        using var response = await gateway.GetAsync("/");

        Assert.Equal(["kept"], response.Headers.GetValues("X-Before"));
    }

    [Fact]
    public async Task WebSocket_GoesToTheDestinationThatTakesIt()
    {
        await using var a = await ResilientGateway.StatusAsync("a", 503);
        await using var b = await OriginServer.StartAsync("b", static app => app.MapGet("/ws", static async (HttpContext context) =>
        {
            using var socket = await context.WebSockets.AcceptWebSocketAsync();
            await socket.SendAsync("hello"u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, context.RequestAborted);
            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, context.RequestAborted);
        }));
        await using var gateway = await ResilientGateway.StartAsync([a.Address, b.Address], [.. Twice, ("TryTimeout", "00:00:05")]);

        using var client = new ClientWebSocket();
        await client.ConnectAsync(new UriBuilder(gateway.Address) { Scheme = "ws", Path = "/ws" }.Uri, TestContext.Current.CancellationToken);
        var buffer = new byte[16];
        var received = await client.ReceiveAsync(buffer, TestContext.Current.CancellationToken);

        Assert.Equal("hello", Encoding.ASCII.GetString(buffer, 0, received.Count));
    }

    private static Task<OriginServer> CollectingAsync(string name, ConcurrentQueue<byte[]> bodies, int status)
        => OriginServer.StartAsync(name, app => app.Use(async (HttpContext context, RequestDelegate _) =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body, context.RequestAborted);
            bodies.Enqueue(body.ToArray());
            context.Response.StatusCode = status;
            await context.Response.WriteAsync(name);
        }));

    private static async Task<HttpResponseMessage> SendAsync(ReverseGateway gateway, string method, HttpContent content)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), gateway.Address) { Content = content };
        return await gateway.Client.SendAsync(request, TestContext.Current.CancellationToken);
    }
}
