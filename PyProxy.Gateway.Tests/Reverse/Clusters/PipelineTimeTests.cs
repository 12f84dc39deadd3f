using System.Net;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Reverse.Clusters;

/// <summary>Timeouts and places of a pipeline.</summary>
public sealed class PipelineTimeTests
{
    [Fact]
    public async Task TryThatTakesTooLong_GoesToAnotherDestination()
    {
        await using var a = await ResilientGateway.SilentAsync("a");
        await using var b = await OriginServer.StartAsync("b");
        await using var gateway = await ResilientGateway.StartAsync(
            [a.Address, b.Address], ("TryTimeout", "00:00:00.1"), ("Retry:MaxRetries", "1"), ("Retry:Delay", "0"));

        Assert.Equal("b", await gateway.GetStringAsync("/"));
    }

    [Fact]
    public async Task LastTryThatTakesTooLong_IsAGatewayTimeout()
    {
        await using var a = await ResilientGateway.SilentAsync("a");
        await using var gateway = await ResilientGateway.StartAsync([a.Address], ("TryTimeout", "00:00:00.05"));

        using var response = await gateway.GetAsync("/");

        Assert.Equal(HttpStatusCode.GatewayTimeout, response.StatusCode);
        Assert.Equal("http_response_timeout", gateway.LastExchange!.Error?.Token);
    }

    [Fact]
    public async Task AllTriesTogetherTakeTooLong_IsAGatewayTimeout()
    {
        await using var a = await ResilientGateway.StatusAsync("a", 503);
        await using var gateway = await ResilientGateway.StartAsync(
            [a.Address], ("Timeout", "00:00:00.1"), ("Retry:MaxRetries", "3"), ("Retry:Delay", "00:00:30"), ("Retry:MaxDelay", "00:00:30"));

        using var response = await gateway.GetAsync("/");

        Assert.Equal(HttpStatusCode.GatewayTimeout, response.StatusCode);
        Assert.Equal("Gateway:Resilience:Pipelines:p:Timeout", gateway.LastExchange!.Error?.Setting);
    }

    [Fact]
    public async Task BodyBehindItsHead_HasAllTheTimeItNeeds()
    {
        var goOn = new TaskCompletionSource();
        await using var a = await OriginServer.StartAsync("a", app => app.MapGet("/", async (HttpContext context) =>
        {
            await context.Response.WriteAsync("first ");
            await context.Response.Body.FlushAsync();
            await goOn.Task.WaitAsync(ReverseGateway.Patience);
            await context.Response.WriteAsync("second");
        }));
        await using var gateway = await ResilientGateway.StartAsync([a.Address], ("TryTimeout", "00:00:00.2"), ("Timeout", "00:00:00.2"));

        using var response = await gateway.GetAsync("/");
        await Task.Delay(TimeSpan.FromSeconds(0.3), TestContext.Current.CancellationToken); // past both times
        goOn.SetResult();

        Assert.Equal("first second", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task BodyThatStreamsToTheDestination_HasAllTheTimeItNeeds()
    {
        await using var a = await OriginServer.StartAsync("a", static app => app.MapPost("/", static async (HttpContext context) =>
        {
            await context.Request.Body.CopyToAsync(Stream.Null);
            await context.Response.WriteAsync("all of it");
        }));
        await using var gateway = await ResilientGateway.StartAsync([a.Address], ("TryTimeout", "00:00:00.1"), ("Timeout", "00:00:00.1"));

        using var content = new SlowContent(TimeSpan.FromSeconds(0.3));
        using var response = await gateway.Client.PostAsync(gateway.Address, content, TestContext.Current.CancellationToken);

        Assert.Equal("all of it", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task MoreRequestsThanPlaces_AreRefusedAtOnce()
    {
        await using var a = await ResilientGateway.SilentAsync("a");
        await using var gateway = await ResilientGateway.StartAsync([a.Address], ("Bulkhead:MaxConcurrency", "1"));
        using var leave = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var first = gateway.Client.GetAsync(gateway.Address, leave.Token);
        await Poll.UntilAsync(() => ValueTask.FromResult(a.Requests.Count == 1));

        using var second = await gateway.GetAsync("/");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, second.StatusCode);
        Assert.NotNull(second.Headers.RetryAfter);
        Assert.Equal("Gateway:Resilience:Pipelines:p:Bulkhead", gateway.LastExchange!.Error?.Setting);
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
    }

    [Fact]
    public async Task RequestThatWaitsForAPlace_GetsItWhenOneIsFree()
    {
        var goOn = new TaskCompletionSource();
        await using var a = await OriginServer.StartAsync("a", app => app.Use(async (HttpContext context, RequestDelegate _) =>
        {
            await goOn.Task.WaitAsync(ReverseGateway.Patience);
            await context.Response.WriteAsync("a");
        }));
        await using var gateway = await ResilientGateway.StartAsync(
            [a.Address], ("Bulkhead:MaxConcurrency", "1"), ("Bulkhead:QueueLength", "1"), ("Bulkhead:QueueTimeout", "00:00:20"));

        var first = gateway.GetStringAsync("/");
        await Poll.UntilAsync(() => ValueTask.FromResult(a.Requests.Count == 1));
        var second = gateway.GetStringAsync("/");
        goOn.SetResult();

        Assert.Equal(["a", "a"], await Task.WhenAll(first, second));
    }

    private sealed class SlowContent(TimeSpan delay) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync("first"u8.ToArray(), TestContext.Current.CancellationToken);
            await stream.FlushAsync(TestContext.Current.CancellationToken);
            await Task.Delay(delay, TestContext.Current.CancellationToken);
            await stream.WriteAsync("second"u8.ToArray(), TestContext.Current.CancellationToken);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
