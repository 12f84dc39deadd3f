using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using PyProxy.Gateway.Telemetry;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Telemetry;

public sealed class AccessLogTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task FinishedExchange_LeavesARecordWithWhatIsKnownOfIt()
    {
        await using var server = await ObservedServer.StartAsync(
            context =>
            {
                var exchange = Exchange.Of(context);
                exchange.Account = new KnownUser("alice\n\u001b[31m", [], plan: null);
                exchange.AuthenticationScheme = "Basic";
                exchange.Route = "r1";
                exchange.Cluster = "c1";
                exchange.Destination = "d1";
                context.Response.StatusCode = StatusCodes.Status201Created;
                return context.Response.WriteAsync("done");
            },
            ListenerRole.Reverse);
        using var response = await server.Client.GetAsync(new Uri("/work/a%2Fb?token=secret", UriKind.Relative), Cancellation);

        var record = Assert.Single(await server.StopAndReadLogAsync());
        Assert.DoesNotContain("secret", record.GetRawText(), StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', record.GetRawText());
        var expected = new Dictionary<string, string>
        {
            ["role"] = "reverse",
            ["endpoint"] = "test",
            ["way_in"] = "reverse",
            ["client"] = "127.0.0.1",
            ["user"] = "alice\n\u001b[31m",
            ["auth_scheme"] = "Basic",
            ["method"] = "GET",
            ["target"] = $"http://127.0.0.1:{server.Address.Port}/work/a%2Fb",
            ["protocol"] = "HTTP/1.1",
            ["verdict"] = "allowed",
            ["route"] = "r1",
            ["cluster"] = "c1",
            ["destination"] = "d1",
        };
        Assert.Equal(expected, expected.Keys.ToDictionary(key => key, key => record.GetProperty(key).GetString()!));
        Assert.Equal(201, record.GetProperty("status").GetInt32());
        Assert.Equal(4, record.GetProperty("bytes_out").GetInt64());
        Assert.Equal(TimeSpan.Zero, record.GetProperty("time").GetDateTimeOffset().Offset);
        Assert.True(record.GetProperty("duration_ms").GetDouble() >= 0);
        Assert.False(record.TryGetProperty("aborted", out _));
    }

    [Fact]
    public async Task Refusal_IsRecordedWithVerdictAndToken()
    {
        await using var server = await ObservedServer.StartAsync(context =>
        {
            var exchange = Exchange.Of(context);
            exchange.Verdict = Verdict.Denied;
            exchange.Error = ProxyErrors.NotAllowed("No.", "no-ads");
            context.Response.StatusCode = 403;
            return Task.CompletedTask;
        });
        using var response = await server.Client.GetAsync(new Uri("/work", UriKind.Relative), Cancellation);

        var record = Assert.Single(await server.StopAndReadLogAsync());
        Assert.Equal(
            (403, "denied", "no-ads", "http_request_denied"),
            (record.GetProperty("status").GetInt32(), Text(record, "verdict"), Text(record, "decided_by"), Text(record, "error")));
    }

    [Fact]
    public async Task ExceptionInThePipeline_LeavesOneRecordWith500()
    {
        await using var server = await ObservedServer.StartAsync(_ => throw new InvalidOperationException("bug"));
        using var response = await server.Client.GetAsync(new Uri("/work", UriKind.Relative), Cancellation);

        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
        Assert.Equal(500, Assert.Single(await server.StopAndReadLogAsync()).GetProperty("status").GetInt32());
    }

    [Fact]
    public async Task ClientThatLeaves_LeavesOneRecordMarkedAborted()
    {
        var entered = new TaskCompletionSource();
        var left = new TaskCompletionSource();
        await using var server = await ObservedServer.StartAsync(async context =>
        {
            entered.SetResult();
            try
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, context.RequestAborted);
            }
            finally
            {
                left.SetResult();
            }
        });
        using (var client = new TcpClient())
        {
            await client.ConnectAsync("127.0.0.1", server.Address.Port, Cancellation);
            await client.GetStream().WriteAsync("GET /work HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray(), Cancellation);
            await entered.Task.WaitAsync(Patience, Cancellation);
        }

        await left.Task.WaitAsync(Patience, Cancellation);
        var record = Assert.Single(await server.StopAndReadLogAsync());
        Assert.Equal(499, record.GetProperty("status").GetInt32());
        Assert.True(record.GetProperty("aborted").GetBoolean());
    }

    [Theory]
    [InlineData("GET http://bob:hunter2@example.com/p?q=1 HTTP/1.1\r\nHost: example.com", "forward", "http://example.com/p")]
    [InlineData("CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443", "connect", "example.com:443")]
    public async Task ForwardRole_TargetIsWhatWasAskedForWithoutSecrets(string head, string wayIn, string target)
    {
        await using var server = await ObservedServer.StartAsync(
            context =>
            {
                context.Response.Headers.Connection = "close";
                return Task.CompletedTask;
            },
            ListenerRole.Forward);
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", server.Address.Port, Cancellation);
        await client.GetStream().WriteAsync(System.Text.Encoding.ASCII.GetBytes(head + "\r\n\r\n"), Cancellation);
        using var reader = new StreamReader(client.GetStream());
        await reader.ReadLineAsync(Cancellation).AsTask().WaitAsync(Patience, Cancellation);

        var record = Assert.Single(await server.StopAndReadLogAsync());
        Assert.Equal((wayIn, target), (Text(record, "way_in"), Text(record, "target")));
    }

    [Fact]
    public async Task QueueThatIsFull_DropsAndCounts()
    {
        // A FIFO without a reader: opening it for writing waits, so the writer stands still while the queue fills up.
        using var stuck = new Fifo();
        await using var server = await ObservedServer.StartAsync(
            context =>
            {
                Exchange.Of(context).Account = new KnownUser(new string('u', 1024 * 1024), [], plan: null);
                return Task.CompletedTask;
            },
            configuration: new() { ["Gateway:Telemetry:AccessLog:Path"] = stuck.Path });
        using var dropped = new MetricCollector<long>(
            server.App.Services.GetRequiredService<System.Diagnostics.Metrics.IMeterFactory>(), ExchangeMetrics.MeterName, "pyproxy.access_log.dropped");
        for (var i = 0; i < 20; i++)
        {
            using var response = await server.Client.GetAsync(new Uri("/work", UriKind.Relative), Cancellation);
        }

        await dropped.WaitForMeasurementsAsync(3, Cancellation).WaitAsync(Patience, Cancellation);
        Assert.All(dropped.GetMeasurementSnapshot(), m => Assert.Equal("queue_full", m.Tags["reason"]));
        stuck.Drain();
    }

    [Fact]
    public async Task CollectorThatIsNotThere_LosesRecordsAndCountsEachOnce()
    {
        await using var server = await ObservedServer.StartAsync(
            _ => Task.CompletedTask,
            configuration: new()
            {
                ["Gateway:Telemetry:AccessLog:Path"] = "",
                ["Gateway:Telemetry:AccessLog:Otlp"] = "true",
                ["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://127.0.0.1:1",
                ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
                ["OTEL_METRICS_EXPORTER"] = "none",
                ["OTEL_TRACES_EXPORTER"] = "none", // the process has one source of spans: another test's collector would get this server's
                ["OTEL_BLRP_MAX_QUEUE_SIZE"] = "2",
            });
        using var dropped = new MetricCollector<long>(
            server.App.Services.GetRequiredService<System.Diagnostics.Metrics.IMeterFactory>(), ExchangeMetrics.MeterName, "pyproxy.access_log.dropped");
        for (var i = 0; i < 5; i++)
        {
            using var response = await server.Client.GetAsync(new Uri("/work", UriKind.Relative), Cancellation);
        }

        await server.StopAndReadLogAsync();
        Assert.Equal(5, dropped.GetMeasurementSnapshot().Sum(m => m.Value));
    }

    [Fact]
    public async Task EmptyPath_TurnsTheLogOff()
    {
        await using var server = await ObservedServer.StartAsync(
            _ => Task.CompletedTask, configuration: new() { ["Gateway:Telemetry:AccessLog:Path"] = "" });
        using var response = await server.Client.GetAsync(new Uri("/work", UriKind.Relative), Cancellation);

        Assert.Empty(await server.StopAndReadLogAsync());
    }

    private static string? Text(JsonElement record, string name) => record.GetProperty(name).GetString();
}
