using System.Net;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Reverse;

/// <summary>What takes its time works without a setting: past the five seconds after which the server would call a quiet peer dead.</summary>
public sealed class LongExchangesTests
{
    private const int Large = 64 * 1024 * 1024; // twice what the server takes by its own default

    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(5.5);

    [Fact]
    public async Task LongPollQuietEventsAndLargeUpload_WorkWithTheDefaults()
    {
        await using var origin = await OriginServer.StartAsync("origin", static app =>
        {
            app.MapGet("/poll", static async (HttpContext context) =>
            {
                await Task.Delay(Quiet, context.RequestAborted);
                return "news";
            });
            app.MapGet("/events", static async (HttpContext context) =>
            {
                context.Response.ContentType = "text/event-stream";
                await context.Response.WriteAsync("data: first\n\n");
                await context.Response.Body.FlushAsync();
                await Task.Delay(Quiet, context.RequestAborted);
                await context.Response.WriteAsync("data: second\n\n");
            });
            app.MapPost("/upload", static async (HttpContext context) =>
            {
                var buffer = new byte[64 * 1024];
                long length = 0;
                for (int count; (count = await context.Request.Body.ReadAsync(buffer, context.RequestAborted)) > 0;)
                {
                    length += count;
                }

                return length;
            });
        });
        await using var gateway = await ReverseGateway.StartAsync(origin.Address);

        var poll = gateway.GetStringAsync("/poll");
        var events = gateway.GetStringAsync("/events");
        using var content = new StreamContent(new MemoryStream(new byte[Large]));
        using var uploaded = await gateway.Client.PostAsync(new Uri(gateway.Address, "/upload"), content, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, uploaded.StatusCode);
        Assert.Equal($"{Large}", await uploaded.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal("news", await poll);
        Assert.Equal("data: first\n\ndata: second\n\n", await events);
    }
}
