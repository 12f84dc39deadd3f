using PyProxy.Gateway.Limits.Plans;

namespace PyProxy.Gateway.Tests.Limits.Memory;

public sealed class MemoryLimiterEngineTests : IDisposable
{
    private LimiterHarness? _limiter;

    public void Dispose() => _limiter?.Dispose();

    [Fact]
    public void TokenBucket_SpendsItsBurstAndRefillsSteadily()
    {
        var limiter = Start("2/s burst 3");

        Assert.Equal([true, true, true, false], limiter.Ask("alice", times: 4));
        limiter.Time.Advance(TimeSpan.FromMilliseconds(500));
        Assert.Equal([true, false], limiter.Ask("alice", times: 2));
        limiter.Time.Advance(TimeSpan.FromHours(1));
        Assert.Equal([true, true, true, false], limiter.Ask("alice", times: 4));
    }

    [Fact]
    public void FixedWindow_BeginsAnewWithTheHour()
    {
        var limiter = Start("2/h fixed-window");
        limiter.Time.Advance(TimeSpan.FromMinutes(59));

        Assert.Equal([true, true, false], limiter.Ask("alice", times: 3));
        limiter.Time.Advance(TimeSpan.FromSeconds(59));
        Assert.False(limiter.Ask("alice"));
        limiter.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal([true, true, false], limiter.Ask("alice", times: 3));
    }

    [Fact]
    public void SlidingWindow_NeverAllowsMoreThanTheAmountInAnyWindow()
    {
        var limiter = Start("4/m sliding-window");
        var allowed = new List<DateTimeOffset>();
        for (var second = 0; second < 600; second++)
        {
            if (limiter.Ask("alice"))
            {
                allowed.Add(limiter.Time.GetUtcNow());
            }

            limiter.Time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.All(allowed, start => Assert.InRange(allowed.Count(at => at >= start && at < start + TimeSpan.FromMinutes(1)), 1, 4));
        Assert.InRange(allowed.Count, 34, 40); // 4 a minute, given back by the eighth of a minute
    }

    [Theory]
    [InlineData("3/m sliding-window")]
    [InlineData("3/m fixed-window")]
    [InlineData("3/m")]
    public void RetryAfter_IsWhenTheNextOneIsAllowed(string rate)
    {
        var limiter = Start(rate);
        limiter.Time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal([true, true, true, false], limiter.Ask("alice", times: 4));
        using var refused = limiter.Limiter.AttemptAcquire(LimiterHarness.Request("alice"));
        Assert.True(refused.TryGetMetadata(System.Threading.RateLimiting.MetadataName.RetryAfter, out var after));

        limiter.Time.Advance(after - TimeSpan.FromMilliseconds(10));
        Assert.False(limiter.Ask("alice"));
        limiter.Time.Advance(TimeSpan.FromMilliseconds(11));
        Assert.True(limiter.Ask("alice"));
    }

    [Fact]
    public void AllRates_AreEnforcedAtOnce()
    {
        var limiter = Start("10/s", "4/h");
        Assert.Equal([true, true, true, true, false], limiter.Ask("alice", times: 5));
        limiter.Time.Advance(TimeSpan.FromSeconds(10));
        Assert.False(limiter.Ask("alice"));
    }

    [Theory]
    [InlineData("3/h", "5/h", 2)]
    [InlineData("3/h fixed-window", "5/h fixed-window", 2)]
    [InlineData("3/h sliding-window", "5/h sliding-window", 2)]
    [InlineData("3/h", "2/h", 0)]
    [InlineData("3/h", "3/h burst 4", 1)]
    [InlineData("3/h", "5/h fixed-window", 5)]
    public void Reload_KeepsWhatWasUsedThoughNumbersChange(string before, string after, int left)
    {
        var limiter = Start(before);
        Assert.Equal([true, true, true, false], limiter.Ask("alice", times: 4));
        limiter.Plans.Change(new PlansOptions { ["STANDARD"] = new() { Rates = ["100/s", after] } });

        Assert.Equal(left, limiter.Ask("alice", times: 10).Count(allowed => allowed));
    }

    [Fact]
    public void ReloadWithPermitsHeld_StillCountsThem()
    {
        var limiter = Start(new PlanOptions { Concurrency = 5 });
        var held = Enumerable.Range(0, 3).Select(_ => limiter.Limiter.AttemptAcquire(LimiterHarness.Request("alice"))).ToList();
        limiter.Plans.Change(new PlansOptions { ["standard"] = new() { Concurrency = 2 } });
        Assert.False(limiter.Ask("alice"));

        held[0].Dispose();
        Assert.False(limiter.Ask("alice"));
        held[1].Dispose();
        Assert.True(limiter.Ask("alice"));
        held[2].Dispose();
    }

    [Fact]
    public void IdleUsers_AreForgottenThoseWhoHoldAreNot()
    {
        var limiter = Start(new PlanOptions { Rates = ["1/s"], Concurrency = 1 });
        for (var i = 0; i < 1000; i++)
        {
            limiter.Ask($"user-{i}");
        }

        using var held = limiter.Limiter.AttemptAcquire(LimiterHarness.Request("alice"));
        Assert.Equal(1001, limiter.Engine.SubjectCount);
        limiter.Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(1, limiter.Engine.SubjectCount);
        Assert.False(limiter.Ask("alice"));
    }

    [Fact]
    public async Task ManyThreads_GetNoMoreThanTheBurst()
    {
        var limiter = Start("1/h burst 100");
        var allowed = 0;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 100; i++)
            {
                if (limiter.Ask("alice"))
                {
                    Interlocked.Increment(ref allowed);
                }
            }
        })));

        Assert.Equal(100, allowed);
    }

    private LimiterHarness Start(params string[] rates) => _limiter = new LimiterHarness(LimiterHarness.Plan(rates));

    private LimiterHarness Start(PlanOptions plan) => _limiter = new LimiterHarness(new PlansOptions { ["standard"] = plan });
}
