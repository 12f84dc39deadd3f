using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using PyProxy.Gateway.Egress;
using PyProxy.Gateway.Egress.Names;
using PyProxy.Gateway.State.Redis;
using PyProxy.Gateway.Tests.Contracts;
using PyProxy.Gateway.Tests.Egress;
using PyProxy.Gateway.Tests.Functional;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Telemetry;

/// <summary>Spans below that of the exchange, and that there are none where nobody wants them.</summary>
public sealed class SpanTests : IDisposable
{
    private readonly ConcurrentQueue<Activity> _ended = new();
    private readonly ActivityListener _listener;

    public SpanTests()
    {
        _listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == GatewayTracing.SourceName,
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = _ended.Enqueue,
        };
        ActivitySource.AddActivityListener(_listener);
    }

    public void Dispose() => _listener.Dispose();

    [Fact]
    public async Task LookupThatIsMade_IsASpan_AndWhatTheCacheHasIsNone()
    {
        var inner = new FakeResolver();
        inner.Answer("a.example", async _ =>
        {
            await Task.Yield();
            return [IPAddress.Parse("192.0.2.1")];
        });
        await using var fixture = new EgressFixture();
        var resolver = new CachingResolver(inner, () => NameCacheLimits.Of(fixture.Runtime.Current.Dns), fixture.Time, fixture.Get<EgressMetrics>(), NullLogger<CachingResolver>.Instance);
        using var exchange = GatewayTracing.Source.StartActivity("exchange")!;
        await resolver.ResolveAsync("a.example", TestContext.Current.CancellationToken);
        await resolver.ResolveAsync("a.example", TestContext.Current.CancellationToken);

        var lookup = Assert.Single(Below(exchange));
        Assert.Equal(("dns", "a.example"), (lookup.OperationName, lookup.GetTagItem("dns.question.name")));
    }

    [Fact]
    public async Task CallToRedis_IsASpan()
    {
        await using var server = await RedisServerUnderTest.StartAsync(GarnetInProcess.Name);
        await using var client = await RedisClient.ConnectAsync(server.Endpoint);
        using var exchange = GatewayTracing.Source.StartActivity("exchange")!;
        await client.Connection.TryEvaluateAsync(new RedisScript("return 1"), [], []);

        var call = Assert.Single(Below(exchange));
        Assert.Equal(("redis EVAL", ActivityKind.Client, "redis"), (call.OperationName, call.Kind, call.GetTagItem("db.system.name")));
    }

    [Fact]
    public async Task GatewayThatExportsNoTraces_MakesNoActivityAtAll_EvenWhereSomebodyListens()
    {
        var seen = new ConcurrentQueue<Activity?>();
        await using var origin = await OriginServer.StartAsync();
        await using var gateway = await GatewayServer.StartAsync(
            origin.Address, extend: services => services.AddSingleton<IStartupFilter>(new Witness(() => seen.Enqueue(Activity.Current))));
        await Curl.RunAsync("--header", "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", gateway.Url("Web").ToString());

        Assert.Null(Assert.Single(seen));
        Assert.StartsWith("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331", origin.LastRequest["traceparent"]);
    }

    private Activity[] Below(Activity parent) => [.. _ended.Where(span => span.ParentSpanId == parent.SpanId)];

    private sealed class Witness(Action look) : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Use(inner => context =>
            {
                look();
                return inner(context);
            });
            next(app);
        };
    }
}
