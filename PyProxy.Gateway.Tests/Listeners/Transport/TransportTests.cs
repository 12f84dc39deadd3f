using System.Net.Sockets;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Listeners.Transport;

/// <summary>Kestrel on the gateway's transport: plain HTTP works as ever, and a tunnel's directions end independently.</summary>
public sealed class TransportTests
{
    private const int Large = 8 * 1024 * 1024;
    private const string Connect = "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n";
    private const string Get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    private const string Established = "HTTP/1.1 200 Connection established\r\n\r\n";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task PipelinedRequests_AreAnsweredInOrder(bool tls)
    {
        var count = 0;
        await using var server = await TransportServer.StartAsync(context => AnswerAsync(context, 200, $"{++count}"));
        await using var client = await server.ConnectAsync(tls);
        await client.SendAsync(Get + Get);
        await client.ReceiveHeadAsync();
        Assert.Equal("1", await client.ReceiveAsync(1));
        await client.ReceiveHeadAsync();
        Assert.Equal("2", await client.ReceiveAsync(1));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task LargeBody_ArrivesBothWays(bool tls)
    {
        await using var server = await TransportServer.StartAsync(async context =>
        {
            Assert.NotNull(context.Features.Get<IConnectionSocketFeature>());
            context.Response.ContentLength = context.Request.ContentLength;
            await context.Request.Body.CopyToAsync(context.Response.Body, context.RequestAborted);
        });
        await using var client = await server.ConnectAsync(tls);
        await client.SendAsync($"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {4 * Large}\r\nConnection: close\r\n\r\n");
        var upload = client.Stream.WriteAsync(new byte[4 * Large], TestContext.Current.CancellationToken);
        await client.ReceiveHeadAsync();
        Assert.Equal(4L * Large, await client.ReceiveToEndAsync());
        await upload;
    }

    [Fact]
    public async Task ClientReset_AbortsTheRequest()
    {
        var started = new TaskCompletionSource();
        var aborted = new TaskCompletionSource();
        await using var server = await TransportServer.StartAsync(async context =>
        {
            context.RequestAborted.Register(() => aborted.TrySetResult());
            started.TrySetResult();
            await aborted.Task;
        });
        await using var client = await server.ConnectAsync(tls: false);
        await client.SendAsync(Get);
        await started.Task.WaitAsync(PipeConnection.Patience, TestContext.Current.CancellationToken);
        client.Reset();
        await aborted.Task.WaitAsync(PipeConnection.Patience, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task ServerStop_EndsIdleConnections()
    {
        await using var server = await TransportServer.StartAsync(context => AnswerAsync(context, 200, "x"));
        await using var client = await server.ConnectAsync(tls: false);
        await client.SendAsync(Get);
        await client.ReceiveHeadAsync();
        await client.ReceiveAsync(1);
        await server.StopAsync().WaitAsync(PipeConnection.Patience, TestContext.Current.CancellationToken);
        Assert.Equal(0, await client.ReceiveToEndAsync());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Refusal_ThenTunnelWithEarlyData_OnOneConnection(bool tls)
    {
        var refused = false;
        await using var server = await TransportServer.StartAsync(async context =>
        {
            if (!refused)
            {
                refused = true;
                await AnswerAsync(context, 407, "no");
                return;
            }

            await EchoAsync(context);
        });
        await using var client = await server.ConnectAsync(tls);
        await client.SendAsync(Connect);
        Assert.StartsWith("HTTP/1.1 407", await client.ReceiveHeadAsync(), StringComparison.Ordinal);
        await client.ReceiveAsync(2);
        await client.SendAsync(Connect + "early");
        Assert.Equal(Established, await client.ReceiveHeadAsync());
        Assert.Equal("early", await client.ReceiveAsync(5));
        await client.SendAsync("later");
        Assert.Equal("later", await client.ReceiveAsync(5));
        await client.EndSendingAsync();
        Assert.Equal(0, await client.ReceiveToEndAsync());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ClientHalfClose_StillGetsEverything(bool tls)
    {
        await using var server = await TransportServer.StartAsync(context => TunnelAsync(context, async leg =>
        {
            await leg.Stream.CopyToAsync(Stream.Null, TestContext.Current.CancellationToken);
            await leg.Stream.WriteAsync(new byte[Large], TestContext.Current.CancellationToken);
            await leg.ShutdownSendAsync(TestContext.Current.CancellationToken);
        }));
        await using var client = await server.ConnectAsync(tls);
        await client.SendAsync(Connect);
        await client.ReceiveHeadAsync();
        await client.EndSendingAsync();
        Assert.Equal(Large, await client.ReceiveToEndAsync(bufferSize: 4096));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ServerHalfClose_StillReceives(bool tls)
    {
        var received = new TaskCompletionSource<long>();
        await using var server = await TransportServer.StartAsync(context => TunnelAsync(context, async leg =>
        {
            await leg.ShutdownSendAsync(TestContext.Current.CancellationToken);
            using var memory = new MemoryStream();
            await leg.Stream.CopyToAsync(memory, TestContext.Current.CancellationToken);
            received.SetResult(memory.Length);
        }));
        await using var client = await server.ConnectAsync(tls);
        await client.SendAsync(Connect);
        await client.ReceiveHeadAsync();
        Assert.Equal(0, await client.ReceiveToEndAsync());
        await client.Stream.WriteAsync(new byte[Large], TestContext.Current.CancellationToken);
        await client.EndSendingAsync();
        Assert.Equal(Large, await received.Task.WaitAsync(PipeConnection.Patience, TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ClientThatIsGone_EndsWriting(bool tls)
    {
        var ended = new TaskCompletionSource();
        await using var server = await TransportServer.StartAsync(context => TunnelAsync(context, async leg =>
        {
            // Nobody reads: a reset that only a write has met is told to no read.
            await Assert.ThrowsAnyAsync<IOException>(async () =>
            {
                while (true)
                {
                    await leg.Stream.WriteAsync(new byte[64 * 1024], TestContext.Current.CancellationToken);
                }
            });
            ended.SetResult();
        }));
        await using var client = await server.ConnectAsync(tls);
        await client.SendAsync(Connect);
        await client.ReceiveHeadAsync();
        client.Reset();
        await ended.Task.WaitAsync(PipeConnection.Patience, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task LegAbort_ResetsTheClient()
    {
        await using var server = await TransportServer.StartAsync(context => TunnelAsync(context, leg =>
        {
            leg.Abort();
            return Task.CompletedTask;
        }));
        await using var client = await server.ConnectAsync(tls: false);
        await client.SendAsync(Connect);
        var e = await Assert.ThrowsAsync<IOException>(() => client.ReceiveToEndAsync());
        Assert.Equal(SocketError.ConnectionReset, Assert.IsType<SocketException>(e.InnerException).SocketErrorCode);
    }

    private static Task EchoAsync(HttpContext context) => TunnelAsync(context, async leg =>
    {
        await leg.Stream.CopyToAsync(leg.Stream, TestContext.Current.CancellationToken);
        await leg.ShutdownSendAsync(TestContext.Current.CancellationToken);
    });

    private static async Task TunnelAsync(HttpContext context, Func<ITunnelLeg, Task> use)
    {
        var tunnel = context.Features.GetRequiredFeature<ITunnelFeature>();
        var leg = await tunnel.AcceptAsync(TestContext.Current.CancellationToken);
        tunnel.RunBehindRequest(async () =>
        {
            await using (leg)
            {
                await use(leg);
            }
        });
    }

    private static Task AnswerAsync(HttpContext context, int status, string text)
    {
        context.Response.StatusCode = status;
        context.Response.ContentLength = text.Length;
        return context.Response.WriteAsync(text);
    }
}
