using System.Diagnostics.Metrics;
using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using PyProxy.Gateway.Telemetry;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Telemetry;

public sealed class MetricsTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Exchange_IsCountedOnceWithWhatDecidedItsOutcome()
    {
        await using var server = await ObservedServer.StartAsync(context =>
        {
            var exchange = Exchange.Of(context);
            exchange.Verdict = Verdict.Limited;
            exchange.Error = ProxyErrors.TooManyRequests("plan", null);
            exchange.Route = "r1";
            context.Response.StatusCode = 429;
            return context.Response.WriteAsync("no");
        });
        using var requests = Collect<long>(server, "pyproxy.requests");
        using var duration = Collect<double>(server, "pyproxy.request.duration");
        using var bytes = Collect<long>(server, "pyproxy.request.bytes");
        using var response = await server.Client.GetAsync(new Uri("/work/secret-path", UriKind.Relative), Cancellation);
        await server.StopAndReadLogAsync();

        var request = Assert.Single(requests.GetMeasurementSnapshot());
        var expected = new Dictionary<string, object?>
        {
            ["pyproxy.role"] = "reverse",
            ["pyproxy.way_in"] = "reverse",
            ["http.response.status_code"] = 429,
            ["pyproxy.verdict"] = "limited",
            ["pyproxy.route"] = "r1",
            ["error.type"] = "http_request_denied",
            ["pyproxy.fault"] = "client",
        };
        Assert.Equal(expected.OrderBy(tag => tag.Key), request.Tags.OrderBy(tag => tag.Key));
        Assert.Single(duration.GetMeasurementSnapshot());
        var sent = Assert.Single(bytes.GetMeasurementSnapshot());
        Assert.Equal((2L, (object?)"out"), (sent.Value, sent.Tags["pyproxy.direction"]));
    }

    [Fact]
    public async Task Tunnel_IsActiveWhileItLastsAndGivenBackOnFailure()
    {
        var go = new TaskCompletionSource();
        var open = new TaskCompletionSource();
        await using var server = await ObservedServer.StartAsync(
            async context =>
            {
                Exchange.Of(context).IsTunnel = true;
                open.SetResult();
                await go.Task;
                throw new IOException("the tunnel broke");
            },
            ListenerRole.Forward);
        using var active = Collect<long>(server, "pyproxy.tunnels.active");
        using var opened = Collect<long>(server, "pyproxy.tunnels.opened");
        using var duration = Collect<double>(server, "pyproxy.tunnel.duration");
        using var request = Collect<double>(server, "pyproxy.request.duration");
        var sending = server.Client.GetAsync(new Uri("/work", UriKind.Relative), Cancellation);
        await open.Task.WaitAsync(Patience, Cancellation);
        Assert.Equal(1, active.GetMeasurementSnapshot().EvaluateAsCounter());
        go.SetResult();
        using var response = await sending;
        await server.StopAndReadLogAsync();

        Assert.Equal(0, active.GetMeasurementSnapshot().EvaluateAsCounter());
        Assert.Single(opened.GetMeasurementSnapshot());
        Assert.Single(duration.GetMeasurementSnapshot());
        Assert.Empty(request.GetMeasurementSnapshot());
    }

    [Fact]
    public async Task TunnelThatOutlivesItsRequest_IsActiveAndUnrecordedUntilItsEnd()
    {
        Exchange? tunnel = null;
        var held = new CancellationTokenSource();
        var given = held.Token;
        await using var server = await ObservedServer.StartAsync(
            context =>
            {
                tunnel = Exchange.Of(context);
                tunnel.Target = new HostPort("tunnelled.example", 443);
                tunnel.HoldUntilEnd(held);
                tunnel.IsTunnel = true;
                tunnel.OutlivesRequest = true;
                return Task.CompletedTask;
            },
            ListenerRole.Socks);
        using var active = Collect<long>(server, "pyproxy.tunnels.active");
        using var requests = Collect<long>(server, "pyproxy.requests");
        using (await server.Client.GetAsync(new Uri("/work", UriKind.Relative), Cancellation))
        {
        }

        var live = server.App.Services.GetRequiredService<LiveExchanges>();
        Assert.Equal((1, 1, 0), (active.GetMeasurementSnapshot().EvaluateAsCounter(), live.CountTunnels(), requests.GetMeasurementSnapshot().Count));
        Assert.True(given.CanBeCanceled && !IsDisposed(held));

        tunnel!.AddBytesOut(7);
        tunnel.End();

        var record = Assert.Single(await server.StopAndReadLogAsync());
        Assert.Equal((0, 0, 1), (active.GetMeasurementSnapshot().EvaluateAsCounter(), live.CountTunnels(), requests.GetMeasurementSnapshot().Count));
        Assert.True(IsDisposed(held));
        Assert.Equal("CONNECT tunnelled.example:443 HTTP/1.1", $"{record.GetProperty("method")} {record.GetProperty("target")} {record.GetProperty("protocol")}");
        Assert.Equal((200, 7), (record.GetProperty("status").GetInt32(), record.GetProperty("bytes_out").GetInt32()));

        static bool IsDisposed(CancellationTokenSource source)
        {
            try
            {
                return source.Token.IsCancellationRequested;
            }
            catch (ObjectDisposedException)
            {
                return true;
            }
        }
    }

    [Fact]
    public async Task Scrape_ShowsOwnAndBuiltInMetersWithoutHostNames()
    {
        await using var server = await ObservedServer.StartAsync(_ => Task.CompletedTask, ListenerRole.Admin);
        using (await server.Client.GetAsync(new Uri("/work", UriKind.Relative), Cancellation))
        {
        }

        var text = await server.Client.GetStringAsync(new Uri("/metrics", UriKind.Relative), Cancellation);
        Assert.Contains("pyproxy_requests_total{", text, StringComparison.Ordinal);
        Assert.Contains("pyproxy_request_duration_seconds_bucket{", text, StringComparison.Ordinal);
        Assert.Contains("http_server_request_duration_seconds_bucket{", text, StringComparison.Ordinal);
        Assert.Contains("kestrel_active_connections{", text, StringComparison.Ordinal);
        var outgoing = text.Split('\n').Where(line => line.StartsWith("http_client", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(outgoing);
        Assert.DoesNotContain(outgoing, line => line.Contains("server_address", StringComparison.Ordinal) || line.Contains("peer", StringComparison.Ordinal));
    }

    [Fact]
    public async Task OtlpAskedForByVariables_IsExported()
    {
        var received = new TaskCompletionSource<string>();
        var receiverBuilder = WebApplication.CreateSlimBuilder();
        receiverBuilder.Logging.ClearProviders();
        receiverBuilder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        await using var receiver = receiverBuilder.Build();
        receiver.MapPost("/v1/metrics", (HttpContext context) =>
        {
            received.TrySetResult(context.Request.ContentType!);
            return Results.Ok();
        });
        await receiver.StartAsync(Cancellation);
        var endpoint = receiver.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();

        await using var server = await ObservedServer.StartAsync(
            _ => Task.CompletedTask,
            configuration: new()
            {
                ["OTEL_EXPORTER_OTLP_ENDPOINT"] = endpoint,
                ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
                ["OTEL_METRIC_EXPORT_INTERVAL"] = "100",
            });

        Assert.Equal("application/x-protobuf", await received.Task.WaitAsync(Patience, Cancellation));
    }

    private static MetricCollector<T> Collect<T>(ObservedServer server, string name)
        where T : struct
        => new(server.App.Services.GetRequiredService<IMeterFactory>(), ExchangeMetrics.MeterName, name);
}
