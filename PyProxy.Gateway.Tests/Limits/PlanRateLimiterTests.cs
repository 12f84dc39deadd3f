using System.Diagnostics.Metrics;
using System.Threading.RateLimiting;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using PyProxy.Gateway.Limits;
using PyProxy.Gateway.Limits.Plans;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Limits;

public sealed class PlanRateLimiterTests : IDisposable
{
    private LimiterHarness? _limiter;

    public void Dispose() => _limiter?.Dispose();

    [Fact]
    public void Refusal_NamesTheLimitAndWhenToComeBack()
    {
        var limiter = Start("10/s", "1/m");
        limiter.Ask("alice");
        using var lease = limiter.Limiter.AttemptAcquire(LimiterHarness.Request("alice"));

        Assert.True(lease.TryGetMetadata(MetadataName.ReasonPhrase, out var limit));
        Assert.Equal("plan standard: 1/m", limit);
        Assert.True(lease.TryGetMetadata(MetadataName.RetryAfter, out var retryAfter));
        Assert.Equal(60, retryAfter.TotalSeconds, 3);
    }

    [Fact]
    public void Users_HaveTheirOwnPermits()
    {
        var limiter = Start("1/s");
        Assert.True(limiter.Ask("alice"));
        Assert.False(limiter.Ask("alice"));
        Assert.True(limiter.Ask("bob"));
    }

    [Theory]
    [InlineData("192.0.2.1", "192.0.2.1", true)]
    [InlineData("192.0.2.1", "::ffff:192.0.2.1", true)]
    [InlineData("192.0.2.1", "192.0.2.2", false)]
    [InlineData("2001:db8::1", "2001:db8::ffff:1", true)]
    [InlineData("2001:db8::1", "2001:db8:0:1::1", false)]
    public void WithoutUser_AddressesAreCounted(string first, string second, bool shared)
    {
        var limiter = Start("1/s");
        Assert.True(limiter.Ask(LimiterHarness.Request(null, first, endpointPlan: "standard")));
        Assert.Equal(!shared, limiter.Ask(LimiterHarness.Request(null, second, endpointPlan: "standard")));
    }

    [Theory]
    [InlineData("user", true, true, false)]
    [InlineData("address", true, false, true)]
    [InlineData("host", false, true, true)]
    [InlineData("user+host", false, true, false)]
    [InlineData("everyone", true, true, true)]
    public void Key_TellsWhoSharesPermits(string key, bool sharedByHosts, bool sharedByAddresses, bool sharedByUsers)
    {
        Assert.Equal(!sharedByHosts, SecondIsAllowed(LimiterHarness.Request("alice", host: "other.example")));
        Assert.Equal(!sharedByAddresses, SecondIsAllowed(LimiterHarness.Request("alice", "192.0.2.10")));
        Assert.Equal(!sharedByUsers, SecondIsAllowed(LimiterHarness.Request("bob")));

        bool SecondIsAllowed(HttpContext second)
        {
            using var limiter = new LimiterHarness(LimiterHarness.Plan($"1/h per {key}"));
            Assert.True(limiter.Ask("alice"));
            return limiter.Ask(second);
        }
    }

    [Fact]
    public async Task RefusedRequest_PaysOnceThoughTheMiddlewareAsksTwice()
    {
        var limiter = Start("1/s", "4/h");
        Assert.True(limiter.Ask("alice"));
        var request = LimiterHarness.Request("alice");
        Assert.False(limiter.Ask(request));
        using var waited = await limiter.Limiter.AcquireAsync(request, cancellationToken: TestContext.Current.CancellationToken);
        Assert.False(waited.IsAcquired);

        // Of four an hour, one was allowed and one refused: two are left.
        limiter.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(limiter.Ask("alice"));
        limiter.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(limiter.Ask("alice"));
        limiter.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.False(limiter.Ask("alice"));
    }

    [Fact]
    public void EveryPlanThatApplies_IsEnforced()
    {
        var plans = new PlansOptions
        {
            ["standard"] = new() { Rates = ["100/s"] },
            ["group"] = new() { Rates = ["4/h per user"] },
            ["rule"] = new() { Rates = ["3/h"] },
            ["endpoint"] = new() { Rates = ["2/h"] },
        };
        _limiter = new LimiterHarness(plans, new LimitsOptions { GroupPlans = new Dictionary<string, string>(StringComparer.Ordinal) { ["staff"] = "Group" } });

        Assert.Equal([true, true, false], Ask(() => LimiterHarness.Request("ann", endpointPlan: "endpoint"), 3));
        Assert.Equal([true, true, true, false], Ask(() => LimiterHarness.Request("bob", rulePlan: "rule"), 4));
        Assert.Equal([true, true, true, true, false], Ask(() => LimiterHarness.Request("cid", groups: ["staff"]), 5));
        Assert.Equal([true, true, true, true, true], Ask(() => LimiterHarness.Request("dan"), 5));

        bool[] Ask(Func<HttpContext> request, int times) => [.. Enumerable.Range(0, times).Select(_ => _limiter.Ask(request()))];
    }

    [Fact]
    public void PlanThatAppliesTwice_IsChargedOnce()
    {
        var limiter = Start("2/h");

        Assert.True(limiter.Ask(LimiterHarness.Request("alice", endpointPlan: "standard", rulePlan: "STANDARD")));
        Assert.True(limiter.Ask(LimiterHarness.Request("alice", endpointPlan: "standard")));
    }

    [Fact]
    public void AnswersTellTheRateThatIsNearestToItsEnd()
    {
        var limiter = Start("10/s", "100/h");
        var request = LimiterHarness.Request("alice");
        limiter.Ask(request);

        Assert.Equal("\"10/s\";q=10;w=1, \"100/h\";q=100;w=3600", request.Response.Headers["RateLimit-Policy"].ToString());
        Assert.Equal("\"10/s\";r=9;t=1", request.Response.Headers["RateLimit"].ToString());
    }

    [Fact]
    public void FieldsThatAreSwitchedOff_AreNotSent()
    {
        var limiter = Start("10/s");
        limiter.Limits.Change(new LimitsOptions { RateLimitFields = false });
        var request = LimiterHarness.Request("alice");
        limiter.Ask(request);

        Assert.Empty(request.Response.Headers);
    }

    [Fact]
    public void AdminRole_IsExempt()
    {
        var limiter = Start("1/h");
        Assert.All(Enumerable.Range(0, 5), _ => Assert.True(limiter.Ask(LimiterHarness.Request("alice", role: ListenerRole.Admin))));
    }

    [Fact]
    public async Task ChargedRequest_UsesPermitsAndHoldsNothing()
    {
        var limiter = Start(new PlanOptions { Rates = ["2/h"], Concurrency = 1 });
        await limiter.Limiter.ChargeAsync(LimiterHarness.Request("alice"));

        Assert.Equal([true, false], limiter.Ask("alice", times: 2));
    }

    [Fact]
    public void HeldPermit_ComesBackWithTheLeaseAndOnlyOnce()
    {
        var limiter = Start(new PlanOptions { Concurrency = 2 });
        var first = limiter.Limiter.AttemptAcquire(LimiterHarness.Request("alice"));
        using var second = limiter.Limiter.AttemptAcquire(LimiterHarness.Request("alice"));
        Assert.False(limiter.Ask("alice"));

        first.Dispose();
        first.Dispose();
        using var third = limiter.Limiter.AttemptAcquire(LimiterHarness.Request("alice"));
        Assert.True(third.IsAcquired);
        Assert.False(limiter.Ask("alice"));
    }

    [Theory]
    [InlineData(WayIn.Connect)]
    [InlineData(WayIn.Socks)]
    public void Tunnels_CountForThemselvesWhereThePlanSaysSo(object way)
    {
        var limiter = Start(new PlanOptions { Concurrency = 1, Tunnels = 1 });
        using var tunnel = limiter.Limiter.AttemptAcquire(LimiterHarness.Request("alice", wayIn: (WayIn)way));

        Assert.False(limiter.Ask(LimiterHarness.Request("alice", wayIn: (WayIn)way)));
        using var request = limiter.Limiter.AttemptAcquire(LimiterHarness.Request("alice"));
        Assert.True(request.IsAcquired);
        Assert.False(limiter.Ask("alice"));
    }

    [Fact]
    public void TunnelsPermit_ComesBackWithTheExchangeNotWithTheRequest()
    {
        var limiter = Start(new PlanOptions { Tunnels = 1 });
        var tunnel = LimiterHarness.Request("alice", wayIn: WayIn.Connect);
        Assert.True(limiter.Ask(tunnel));
        Assert.False(limiter.Ask(LimiterHarness.Request("alice", wayIn: WayIn.Connect)));

        Exchange.Of(tunnel).End();
        Assert.True(limiter.Ask(LimiterHarness.Request("alice", wayIn: WayIn.Connect)));
    }

    [Fact]
    public void RefusalByARate_HoldsNothing()
    {
        var limiter = Start(new PlanOptions { Rates = ["1/m"], Concurrency = 1 });
        Assert.Equal([true, false, false], limiter.Ask("alice", times: 3));
        limiter.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.True(limiter.Ask("alice"));
    }

    [Fact]
    public void PlanThatIsNotThere_IsCountedAndLimitsNothing()
    {
        var limiter = Start("1/h");
        using var decisions = new MetricCollector<long>(
            limiter.Services.GetRequiredService<IMeterFactory>(), "PyProxy.Gateway", "pyproxy.limiter.decisions");
        var asked = LimiterHarness.Request("alice", plan: "gone");
        limiter.Services.GetRequiredService<PlanSelector>().Fill(new LimitAttempt(), asked, Exchange.Of(asked)); // as quotas and explain do

        Assert.Equal([true, true], (bool[])[Ask(), Ask()]);
        Assert.Equal([1, 1], decisions.GetMeasurementSnapshot().Where(static m => Equals(m.Tags["outcome"], "unknown_plan")).Select(static m => m.Value));

        bool Ask() => limiter.Ask(LimiterHarness.Request("alice", plan: "gone"));
    }

    private LimiterHarness Start(params string[] rates) => _limiter = new LimiterHarness(LimiterHarness.Plan(rates));

    private LimiterHarness Start(PlanOptions plan) => _limiter = new LimiterHarness(new PlansOptions { ["standard"] = plan });
}
