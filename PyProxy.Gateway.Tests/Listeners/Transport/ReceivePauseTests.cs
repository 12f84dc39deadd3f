using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Time.Testing;
using PyProxy.Gateway.Listeners.Transport;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Listeners.Transport;

public sealed class ReceivePauseTests
{
    private const string Get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    private readonly FakeTimeProvider _time = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void PauseBehindAPause_IsTwiceAsLong_UpToTheLongest()
    {
        var pause = new ReceivePause(_time);
        var lengths = new List<double>();
        for (var i = 0; i < 6; i++)
        {
            pause.Begin();
            lengths.Add(pause.Left.TotalSeconds);
            _time.Advance(pause.Left);
        }

        Assert.Equal([0.25, 0.5, 1, 2, 4, 4], lengths);
    }

    [Fact]
    public void PauseLongBehindTheLast_IsTheFirstAgain()
    {
        var pause = new ReceivePause(_time);
        pause.Begin();
        pause.Begin();
        _time.Advance(ReceivePause.Longest * 2);
        Assert.True(pause.Left <= TimeSpan.Zero);

        pause.Begin();
        Assert.Equal(ReceivePause.First, pause.Left);
    }

    [Fact]
    public async Task PauseEnds_WhenReceivingIsStopped()
    {
        var pause = new ReceivePause(_time);
        pause.Begin();
        using var stop = new CancellationTokenSource();
        var waiting = pause.WaitAsync(stop.Token).AsTask();
        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Connection_IsReadAgainBehindThePause(bool tls)
    {
        await using var server = await TransportServer.StartAsync(async context =>
        {
            context.Features.GetRequiredFeature<IRefusedConnectionFeature>().PauseReceiving();
            context.Response.StatusCode = 503;
            context.Response.ContentLength = 0;
            await context.Response.StartAsync(Cancellation);
        });
        await using var client = await server.ConnectAsync(tls);
        for (var i = 0; i < 2; i++)
        {
            await client.SendAsync(Get);
            Assert.StartsWith("HTTP/1.1 503", await client.ReceiveHeadAsync(), StringComparison.Ordinal);
        }
    }
}
