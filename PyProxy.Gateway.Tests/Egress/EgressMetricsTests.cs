using System.Diagnostics.Metrics;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using PyProxy.Gateway.Egress;
using PyProxy.Gateway.Egress.Names;

namespace PyProxy.Gateway.Tests.Egress;

public sealed class EgressMetricsTests
{
    [Fact]
    public async Task EveryDial_IsCountedOnce_WithOutcomeAndFamily()
    {
        using var origin = new Origin();
        await using var egress = new EgressFixture();
        using var dials = new MetricCollector<long>(egress.Get<IMeterFactory>(), "PyProxy.Gateway", "pyproxy.egress.dials");
        using var durations = new MetricCollector<double>(egress.Get<IMeterFactory>(), "PyProxy.Gateway", "pyproxy.egress.dial.duration");

        await using var connection = await egress.ConnectAsync($"127.0.0.1:{origin.Port}", DialPurpose.Configured);
        await egress.FailAsync($"127.0.0.1:{origin.Port}");

        Assert.Equal(
            ["success ipv4 configured", "destination_ip_prohibited  forward"],
            dials.GetMeasurementSnapshot().Select(m => $"{m.Tags["outcome"]} {m.Tags.GetValueOrDefault("network.type")} {m.Tags["purpose"]}"),
            StringComparer.Ordinal);
        Assert.Equal(2, durations.GetMeasurementSnapshot().Count);
    }

    [Fact]
    public async Task EveryLookup_IsCounted()
    {
        await using var egress = new EgressFixture();
        egress.Resolver.Answer("a.example", "10.0.0.1");
        using var lookups = new MetricCollector<long>(egress.Get<IMeterFactory>(), "PyProxy.Gateway", "pyproxy.egress.dns.lookups");
        var resolver = new CachingResolver(
            egress.Resolver,
            () => NameCacheLimits.Of(egress.Runtime.Current.Dns),
            egress.Time,
            egress.Get<EgressMetrics>(),
            Microsoft.Extensions.Logging.Abstractions.NullLogger<CachingResolver>.Instance);

        await resolver.ResolveAsync("a.example", TestContext.Current.CancellationToken);
        await resolver.ResolveAsync("a.example", TestContext.Current.CancellationToken);
        await Assert.ThrowsAnyAsync<Exception>(() => resolver.ResolveAsync("b.example", TestContext.Current.CancellationToken).AsTask());

        Assert.Equal(["miss", "hit", "failure"], lookups.GetMeasurementSnapshot().Select(m => (string)m.Tags["outcome"]!), StringComparer.Ordinal);
    }
}
