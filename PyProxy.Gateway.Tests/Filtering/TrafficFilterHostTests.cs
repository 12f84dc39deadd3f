using System.Diagnostics.Metrics;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using PyProxy.Gateway.Filtering;
using PyProxy.Gateway.Tests.Functional;

namespace PyProxy.Gateway.Tests.Filtering;

/// <summary>Filters of a program's own, good ones and bad ones, in a whole gateway. The host that is asked for says what the filter does.</summary>
public sealed class TrafficFilterHostTests(TrafficFilterHostTests.Fixture fixture) : IClassFixture<TrafficFilterHostTests.Fixture>
{
    [Theory]
    [InlineData("forward")]
    [InlineData("connect")]
    [InlineData("socks")]
    [InlineData("reverse")]
    public async Task Filter_RefusesOnEveryWayIn_AndKnowsWhoAsks(string way)
    {
        var answer = await fixture.AskAsync(way, "deny");

        Assert.Equal(403, answer.Status);
        if (way != "socks")
        {
            Assert.Contains($"\"detail\":\"Not {(way == "reverse" ? "nobody" : "alice")}.\"", answer.Body, StringComparison.Ordinal);
            Assert.Contains("\"decidedBy\":\"ask-closed\"", answer.Body, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task FilterThatSaysNothing_LeavesItToTheRulesBehindIt()
    {
        Assert.Equal(403, (await fixture.AskAsync("forward", "continue")).Status); // by the last rule
        Assert.Equal(200, (await fixture.AskAsync("forward", "allow")).Status); // which is not asked
    }

    [Theory]
    [InlineData("throw", "exception")]
    [InlineData("hang", "timeout")]
    [InlineData("block", "timeout")]
    public async Task FilterThatFails_IsContainedCountedAndNamed(string host, string reason)
    {
        using var failures = fixture.Failures();

        var closed = await fixture.AskAsync("forward", host);
        var open = await fixture.AskAsync("forward", $"open-{host}");

        Assert.Equal((403, 200), (closed.Status, open.Status));
        Assert.Contains("\"decidedBy\":\"ask-closed\"", closed.Body, StringComparison.Ordinal);
        Assert.Equal([$"closed {reason}", $"open {reason}"], failures.GetMeasurementSnapshot().Select(m => $"{m.Tags["filter"]} {m.Tags["reason"]}"), StringComparer.Ordinal);
    }

    [Fact]
    public async Task ChangesOfAFilter_TakeEffect_AndThoseOfALateOneDoNot()
    {
        await fixture.AskAsync("forward", "set");
        var inTime = fixture.Origin.LastRequest["X-Filter"];
        await fixture.AskAsync("forward", "open-late");
        fixture.LateFilter.SetResult();

        Assert.Equal("set", inTime);
        Assert.Null(fixture.Origin.LastRequest["X-Filter"]);
    }

    [Theory]
    [InlineData("forward")]
    [InlineData("reverse")]
    public async Task Filter_SeesResponses(string way)
    {
        var refused = await fixture.AskAsync(way, "response-deny");
        var changed = await fixture.AskAsync(way, "response-set");

        Assert.Equal(403, refused.Status);
        Assert.Contains("A response of 6 bytes.", refused.Body, StringComparison.Ordinal);
        Assert.Contains("X-Filter: 200", changed.Head, StringComparison.Ordinal);
    }

    [Fact]
    public async Task ResponseFilterThatFails_IsContained()
    {
        using var failures = fixture.Failures();

        Assert.Equal(403, (await fixture.AskAsync("forward", "response-throw")).Status);
        Assert.Equal("closed", failures.LastMeasurement!.Tags["filter"]);
    }

    public sealed class Fixture : IAsyncLifetime
    {
        private GatewayServer _gateway = null!;

        internal OriginServer Origin { get; private set; } = null!;

        internal TaskCompletionSource LateFilter { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public async ValueTask InitializeAsync()
        {
            Origin = await OriginServer.StartAsync(endpoints: static app => app.MapFallback(static () => Results.Text("origin")));
            _gateway = await GatewayServer.StartAsync(
                Origin.Address,
                """
                "Egress": { "AllowedAddresses": [ "127.0.0.0/8", "::1" ], "ConnectPorts": [ "*" ] },
                "Filtering": {
                  "Filters": { "closed": { "Timeout": "00:00:00.250" }, "open": { "Timeout": "00:00:00.250", "OnFailure": "Allow" } },
                  "Rules": [
                    { "Name": "ask-open", "Match": { "HostRegex": [ "^open-" ] }, "Action": "Filter", "Filter": "open" },
                    { "Name": "ask-closed", "Match": { "Not": { "HostRegex": [ "^(open|response)-" ] } }, "Action": "Filter", "Filter": "closed" },
                    { "Name": "last", "Match": { "Hosts": [ "continue.localhost", "allow.localhost" ] }, "Action": "Deny" } ],
                  "ResponseRules": [ { "Name": "ask-response", "Match": { "HostRegex": [ "^response-" ] }, "Action": "Filter", "Filter": "closed" } ] }
                """,
                extend: services =>
                {
                    services.AddSingleton(this);
                    services.AddTrafficFilter<HostSaysWhat>("closed");
                    services.AddTrafficFilter<ForOpen>("open");
                });
        }

        public async ValueTask DisposeAsync()
        {
            await _gateway.DisposeAsync();
            await Origin.DisposeAsync();
        }

        internal Task<Answer> AskAsync(string way, string host) => _gateway.AskAsync(way, $"{host}.localhost:{Origin.Address.Port}");

        internal MetricCollector<long> Failures() => new(_gateway.Services.GetRequiredService<IMeterFactory>(), "PyProxy.Gateway", "pyproxy.filter.failures");
    }

    /// <summary>One instance per name is what the container gives; so two classes.</summary>
    private sealed class ForOpen(Fixture fixture) : HostSaysWhat(fixture);

    private class HostSaysWhat(Fixture fixture) : ITrafficFilter
    {
        public async ValueTask<TrafficVerdict> OnRequestAsync(TrafficRequest request, CancellationToken cancellationToken)
        {
            switch (request.Host.Replace("open-", "", StringComparison.Ordinal).Split('.')[0])
            {
                case "deny":
                    return TrafficVerdict.Deny($"Not {request.User ?? "nobody"}.");
                case "allow":
                    return TrafficVerdict.Allow;
                case "throw":
                    throw new InvalidOperationException("The filter is broken.");
                case "hang":
                    await Task.Delay(Timeout.Infinite, CancellationToken.None).WaitAsync(TimeSpan.FromMinutes(1), CancellationToken.None);
                    break;
                case "block":
                    cancellationToken.WaitHandle.WaitOne();
                    break;
                case "late":
                    await fixture.LateFilter.Task;
                    request.SetField("X-Filter", "late");
                    break;
                case "set":
                    request.SetField("X-Filter", "set");
                    request.AddTag("seen");
                    break;
            }

            return TrafficVerdict.Continue;
        }

        public ValueTask<TrafficVerdict> OnResponseAsync(TrafficResponse response, CancellationToken cancellationToken)
        {
            switch (response.Request.Host.Split('.')[0])
            {
                case "response-deny":
                    return ValueTask.FromResult(TrafficVerdict.Deny($"A response of {response.ContentLength} bytes."));
                case "response-throw":
                    throw new InvalidOperationException("The filter is broken.");
                default:
                    response.SetField("X-Filter", $"{response.Status}");
                    return ValueTask.FromResult(TrafficVerdict.Continue);
            }
        }
    }
}
