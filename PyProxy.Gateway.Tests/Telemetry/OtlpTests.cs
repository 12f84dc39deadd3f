using System.Net.Http.Headers;
using System.Text.Json;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Telemetry;

/// <summary>Metrics, traces and records as a collector gets them, and as Prometheus does at the same time.</summary>
public sealed class OtlpTests
{
    private const string TraceId = "0af7651916cd43dd8448eb211c80319c";
    private const string ParentId = "b7ad6b7169203331";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("grpc")]
    [InlineData("http/protobuf")]
    public async Task Collector_GetsTraceMetricsAndRecords_WhilePrometheusScrapes(string protocol)
    {
        await using var receiver = await OtlpReceiver.StartAsync();
        await using var origin = await OriginServer.StartAsync();
        await using var gateway = await GatewayServer.StartAsync(origin.Address, edit: text => text
            .Replace("\"Kestrel\"", receiver.Settings(protocol) + "\"Kestrel\"", StringComparison.Ordinal)
            .Replace("\"AccessLog\": {", "\"AccessLog\": { \"Otlp\": true,", StringComparison.Ordinal));
        using var client = new HttpClient { BaseAddress = gateway.Url("Web") };
        client.DefaultRequestHeaders.Add("traceparent", $"00-{TraceId}-{ParentId}-01");
        Assert.Equal("origin", await client.GetStringAsync("/some/path?secret=1", Cancellation));

        // The trace: the client's goes on over gateway, try and dial to the origin.
        var server = await receiver.SpanAsync(span => span is { TraceId: TraceId, Kind: 2 });
        var tried = await receiver.SpanAsync(span => span.ParentId == server.SpanId && span.Kind == 3);
        var dial = await receiver.SpanAsync(span => span.ParentId == tried.SpanId);
        Assert.Equal(("gateway-under-test", ParentId, "GET all"), (server.Service, server.ParentId, server.Name));
        Assert.Equal("dial", dial.Name);
        Assert.Equal($"00-{TraceId}-{tried.SpanId}-01", origin.LastRequest["traceparent"]);
        Assert.Equal(("200", "ok", "/some/path"), (server.Tags["http.response.status_code"], server.Tags["pyproxy.outcome"], server.Tags["url.path"]));
        Assert.DoesNotContain(receiver.Spans.SelectMany(span => span.Tags.Values), value => value.Contains("secret", StringComparison.Ordinal));

        // The record
        await Poll.UntilAsync(() => new(!receiver.Logs.IsEmpty));
        var log = Assert.Single(receiver.Logs);
        Assert.Equal(("gateway-under-test", TraceId, "200"), (log.Service, log.TraceId, log.Attributes["status"]));
        Assert.Equal(log.Attributes["id"], server.Tags["pyproxy.exchange.id"]);

        // Metrics, pushed and scraped
        await Poll.UntilAsync(() => new(receiver.Metrics.ContainsKey("pyproxy.requests")));
        using var admin = new HttpClient { BaseAddress = gateway.Url("Admin") };
        admin.DefaultRequestHeaders.Accept.Add(MediaTypeWithQualityHeaderValue.Parse("application/openmetrics-text; version=1.0.0"));
        var scraped = (await admin.GetStringAsync("/metrics", Cancellation)).Split('\n');
        Assert.Contains(scraped, line => line.StartsWith("pyproxy_request_duration_seconds_bucket{", StringComparison.Ordinal)
            && line.Contains($"trace_id=\"{TraceId}\"", StringComparison.Ordinal)); // the exemplar
        Assert.Contains("# EOF", scraped);
    }

    [Fact]
    public async Task Refusal_IsASpanWithRuleAndDecision_AndAStrangersTraceIsNotGoneOnWith()
    {
        await using var receiver = await OtlpReceiver.StartAsync();
        await using var origin = await OriginServer.StartAsync();
        await using var gateway = await GatewayServer.StartAsync(
            origin.Address,
            gateway: """ "Filtering": { "Rules": [ { "Name": "no-blocked", "Match": { "Hosts": [ "blocked.test" ] }, "Action": "Deny" } ] }, "Egress": { "AllowedAddresses": [ "127.0.0.1" ] } """,
            edit: text => text
                .Replace("\"Kestrel\"", receiver.Settings("grpc") + "\"Kestrel\"", StringComparison.Ordinal)
                .Replace("\"Role\": \"Reverse\"", "\"Role\": \"Reverse\", \"TraceContext\": \"New\"", StringComparison.Ordinal));
        string[] sampled = ["--header", $"traceparent: 00-{TraceId}-{ParentId}-01", "--header", "baggage: a=b"];
        var (_, refusal) = await Curl.RunAsync(
            ["--proxy", gateway.Url("Proxy").ToString(), "--proxy-user", $"alice:{GatewayServer.Password}", .. sampled, "http://blocked.test/"]);
        await Curl.RunAsync([.. sampled, gateway.Url("Web").ToString()]);
        var atOrigin = origin.LastRequest;
        await Curl.RunAsync(["--proxy", gateway.Url("Open").ToString(), .. sampled, origin.Address.ToString()]);

        var denied = await receiver.SpanAsync(span => span.Tags.ContainsKey("pyproxy.decided_by"));
        Assert.Equal("no-blocked", denied.Tags["pyproxy.decided_by"]);
        Assert.Equal(JsonDocument.Parse(refusal).RootElement.GetProperty("decision").GetString(), denied.Tags["pyproxy.exchange.id"]);
        Assert.Equal(("", "denied", "alice"), (denied.ParentId, denied.Tags["pyproxy.outcome"], denied.Tags["enduser.id"]));
        var authentication = await receiver.SpanAsync(span => span.ParentId == denied.SpanId && span.Name == "authenticate");
        Assert.Equal("Basic", authentication.Tags["pyproxy.authentication.scheme"]);

        // On reverse the stranger's fields go no further; what a forward client tells its origin is theirs.
        var web = await receiver.SpanAsync(span => span.Kind == 2 && span.Tags["pyproxy.way_in"] == "reverse");
        Assert.DoesNotContain(receiver.Spans, span => span.TraceId == TraceId);
        Assert.StartsWith($"00-{web.TraceId}-", atOrigin["traceparent"]);
        Assert.Null(atOrigin["baggage"]);
        Assert.Equal($"00-{TraceId}-{ParentId}-01", origin.LastRequest["traceparent"]);
    }

    [Fact]
    public async Task SamplingOff_LeavesTheClientsFieldsAndMakesNoSpan()
    {
        await using var receiver = await OtlpReceiver.StartAsync();
        await using var origin = await OriginServer.StartAsync();
        await using var gateway = await GatewayServer.StartAsync(
            origin.Address, edit: text => text.Replace("\"Kestrel\"", receiver.Settings("grpc", "always_off") + "\"Kestrel\"", StringComparison.Ordinal));
        await Curl.RunAsync("--header", $"traceparent: 00-{TraceId}-{ParentId}-01", gateway.Url("Web").ToString());
        Assert.Equal($"00-{TraceId}-{ParentId}-01", origin.LastRequest["traceparent"]);
        await Curl.RunAsync(gateway.Url("Web").ToString());
        Assert.Null(origin.LastRequest["traceparent"]);

        await gateway.StopAsync();
        Assert.Empty(receiver.Spans);
        Assert.DoesNotContain("trace_id", await gateway.AccessLogAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task PasswordOfASocksClient_IsASpanOfItsExchange()
    {
        await using var receiver = await OtlpReceiver.StartAsync();
        await using var origin = await OriginServer.StartAsync();
        await using var gateway = await GatewayServer.StartAsync(
            origin.Address,
            gateway: """ "Egress": { "AllowedAddresses": [ "127.0.0.1" ], "ConnectPorts": [ "*" ] } """,
            edit: text => text.Replace("\"Kestrel\"", receiver.Settings("grpc") + "\"Kestrel\"", StringComparison.Ordinal));
        await Curl.RunAsync("--socks5", gateway.Url("Socks").Authority, "--proxy-user", $"alice:{GatewayServer.Password}", origin.Address.ToString());

        var authentication = await receiver.SpanAsync(span => span.Name == "authenticate");
        var server = await receiver.SpanAsync(span => span.SpanId == authentication.ParentId);
        Assert.Equal(("Socks5", "socks"), (authentication.Tags["pyproxy.authentication.scheme"], server.Tags["pyproxy.way_in"]));
        Assert.True(authentication.Start < authentication.End && authentication.End <= server.Start, $"{authentication} {server}");
    }

    [Fact]
    public async Task Spans_AreAsDiscreetAsTheAccessLog()
    {
        await using var receiver = await OtlpReceiver.StartAsync();
        await using var origin = await OriginServer.StartAsync();
        await using var gateway = await GatewayServer.StartAsync(
            origin.Address,
            gateway: """ "Egress": { "AllowedAddresses": [ "127.0.0.1" ] } """,
            edit: text => text
                .Replace("\"Kestrel\"", receiver.Settings("grpc") + "\"Kestrel\"", StringComparison.Ordinal)
                .Replace("\"AccessLog\": {", "\"AccessLog\": { \"Drop\": [ \"Route\" ], \"Mask\": [ \"Client\", \"Target\" ], \"Hash\": [ \"User\" ], \"HashKey\": \"sixteen or more characters\",", StringComparison.Ordinal));
        await Curl.RunAsync(gateway.Url("Web") + "private/path");
        await Curl.RunAsync("--proxy", gateway.Url("Proxy").ToString(), "--proxy-user", $"alice:{GatewayServer.Password}", origin.Address.ToString());

        var reverse = await receiver.SpanAsync(span => span.Tags.GetValueOrDefault("pyproxy.way_in") == "reverse");
        Assert.Equal(("GET", "127.0.0.0"), (reverse.Name, reverse.Tags["client.address"]));
        Assert.DoesNotContain(reverse.Tags.Keys, tag => tag is "url.path" or "pyproxy.route");
        var forward = await receiver.SpanAsync(span => span.Tags.GetValueOrDefault("pyproxy.way_in") == "forward");
        Assert.Matches("^[0-9a-f]{32}$", forward.Tags["enduser.id"]);
    }
}
