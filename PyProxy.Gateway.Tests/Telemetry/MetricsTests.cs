using System.Diagnostics.Metrics;
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

        requests.RecordObservableInstruments();
        bytes.RecordObservableInstruments();
        var request = Assert.Single(requests.GetMeasurementSnapshot());
        var expected = new Dictionary<string, object?>
        {
            ["role"] = "reverse",
            ["way_in"] = "reverse",
            ["http.response.status_code"] = 429,
            ["outcome"] = "limited",
            ["route"] = "r1",
            ["error.type"] = "http_request_denied",
        };
        Assert.Equal(expected.OrderBy(tag => tag.Key), request.Tags.OrderBy(tag => tag.Key));
        Assert.Single(duration.GetMeasurementSnapshot());
        var sent = Assert.Single(bytes.GetMeasurementSnapshot());
        Assert.Equal((2L, (object?)"out"), (sent.Value, sent.Tags["direction"]));
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
        Assert.Equal(1, Now(active));
        go.SetResult();
        using var response = await sending;
        await server.StopAndReadLogAsync();

        Assert.Equal((0, 1), (Now(active), Now(opened)));
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
        Assert.Equal((1, 1, 0), (Now(active), live.CountTunnels(), Now(requests)));
        Assert.True(given.CanBeCanceled && !IsDisposed(held));

        tunnel!.AddBytesOut(7);
        tunnel.End();

        var record = Assert.Single(await server.StopAndReadLogAsync());
        Assert.Equal((0, 0, 1), (Now(active), live.CountTunnels(), Now(requests)));
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
    public async Task TunnelAndUser_AreCountedWhileTheTunnelRuns()
    {
        Exchange? tunnel = null;
        await using var server = await ObservedServer.StartAsync(
            context =>
            {
                tunnel = Exchange.Of(context);
                tunnel.Account = new KnownUser("alice", [], plan: null);
                tunnel.IsTunnel = true;
                tunnel.OutlivesRequest = true;
                return Task.CompletedTask;
            },
            ListenerRole.Socks);
        using var bytes = Collect<long>(server, "pyproxy.tunnel.bytes");
        using var ofUsers = Collect<long>(server, "pyproxy.user.bytes");
        using (await server.Client.GetAsync(new Uri("/work", UriKind.Relative), Cancellation))
        {
        }

        tunnel!.AddBytesOut(7);
        Assert.Equal((7, 7), (Now(bytes, "out"), Now(ofUsers, "out")));
        tunnel.AddBytesOut(1);
        tunnel.AddBytesIn(2);
        tunnel.End();
        Assert.Equal((8, 8, 2, 2), (Now(bytes, "out"), Now(ofUsers, "out"), Now(bytes, "in"), Now(ofUsers, "in")));
    }

    [Fact]
    public async Task UsersBeyondTheBound_AreCountedTogether()
    {
        await using var server = await ObservedServer.StartAsync(
            context =>
            {
                var exchange = Exchange.Of(context);
                exchange.Account = new KnownUser(context.Request.Query["user"].ToString(), [], plan: null);
                exchange.Verdict = Verdict.Denied;
                return context.Response.WriteAsync("no");
            },
            configuration: new() { ["Gateway:Telemetry:MaxUserSeries"] = "1" });
        using var requests = Collect<long>(server, "pyproxy.user.requests");
        using var refusals = Collect<long>(server, "pyproxy.user.refusals");
        using var series = Collect<int>(server, "pyproxy.user.series");
        foreach (var user in (string[])["alice", "bob", "carol", "alice"])
        {
            using var response = await server.Client.GetAsync(new Uri($"/work?user={user}", UriKind.Relative), Cancellation);
        }

        await server.StopAndReadLogAsync();
        requests.RecordObservableInstruments();
        refusals.RecordObservableInstruments();
        series.RecordObservableInstruments();
        Assert.Equal(["(other) 2", "alice 2"], requests.GetMeasurementSnapshot().Select(m => $"{m.Tags["user"]} {m.Value}").Order());
        Assert.Equal(["(other) denied 2", "alice denied 2"], refusals.GetMeasurementSnapshot().Select(m => $"{m.Tags["user"]} {m.Tags["outcome"]} {m.Value}").Order());
        Assert.Equal(1, series.LastMeasurement!.Value);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Scrape_ShowsOwnMetersAndTheFrameworksForRequestsIfAskedTo(bool framework)
    {
        await using var server = await ObservedServer.StartAsync(
            _ => Task.CompletedTask, ListenerRole.Admin, configuration: new() { ["Gateway:Telemetry:FrameworkRequestMetrics"] = framework.ToString() });
        using (await server.Client.GetAsync(new Uri("/work", UriKind.Relative), Cancellation))
        {
        }

        var text = await server.Client.GetStringAsync(new Uri("/metrics", UriKind.Relative), Cancellation);
        Assert.Contains("pyproxy_requests_total{", text, StringComparison.Ordinal);
        Assert.Contains("pyproxy_request_duration_seconds_bucket{", text, StringComparison.Ordinal);
        Assert.Contains("kestrel_active_connections{", text, StringComparison.Ordinal);
        Assert.Equal(framework, text.Contains("http_server_request_duration_seconds_bucket{", StringComparison.Ordinal));
        var outgoing = text.Split('\n').Where(line => line.StartsWith("http_client", StringComparison.Ordinal)).ToList();
        Assert.Equal(framework, outgoing.Count > 0);
        Assert.DoesNotContain(outgoing, line => line.Contains("server_address", StringComparison.Ordinal) || line.Contains("peer", StringComparison.Ordinal));
    }

    private static long Now(MetricCollector<long> collector, string? direction = null)
    {
        collector.Clear();
        collector.RecordObservableInstruments();
        return collector.GetMeasurementSnapshot().Where(m => direction is null || direction.Equals(m.Tags["direction"])).Sum(m => m.Value);
    }

    private static MetricCollector<T> Collect<T>(ObservedServer server, string name)
        where T : struct
        => new(server.App.Services.GetRequiredService<IMeterFactory>(), ExchangeMetrics.MeterName, name);
}
