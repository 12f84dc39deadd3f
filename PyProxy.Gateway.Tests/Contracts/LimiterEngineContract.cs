using System.Net;
using PyProxy.Gateway.Limits;
using PyProxy.Gateway.Limits.Plans;
using PyProxy.Gateway.Tests.Listeners;

namespace PyProxy.Gateway.Tests.Contracts;

/// <summary>What every engine that counts limits has to do, whatever it counts in. On the system's clock: Redis has no other.</summary>
public abstract class LimiterEngineContract : IAsyncLifetime
{
    private readonly LimitSubject _alice = Subject("alice");
    private ILimiterEngine _engine = null!;

    public async ValueTask InitializeAsync() => _engine = await StartEngineAsync();

    public async ValueTask DisposeAsync()
    {
        await StopEngineAsync();
        GC.SuppressFinalize(this);
    }

    [Theory]
    [InlineData("10/h")]
    [InlineData("10/d sliding-window")]
    [InlineData("10/d fixed-window")]
    public async Task Rate_AllowsAsManyAsItHasAndThenRefuses(string rate)
    {
        using var plans = Plans(new() { Rates = [rate] });

        for (var left = 9; left >= 0; left--)
        {
            var decision = await AskAsync(plans, _alice);
            Assert.True(decision.IsAllowed);
            Assert.Equal(left, decision.Left);
        }

        var refused = await AskAsync(plans, _alice);
        Assert.False(refused.IsAllowed);
        Assert.Equal($"plan standard: {rate.Split(' ')[0]}", refused.Limit!.FullName);
        Assert.InRange(refused.After, TimeSpan.FromMilliseconds(1), TimeSpan.FromHours(27)); // a sliding window gives back by the eighth
    }

    [Theory]
    [InlineData("2/s")]
    [InlineData("2/s sliding-window")]
    [InlineData("2/s fixed-window")]
    public async Task Rate_AllowsAgainAfterTheTimeItNamed(string rate)
    {
        using var plans = Plans(new() { Rates = [rate] });
        LimitDecision decision;
        do
        {
            decision = await AskAsync(plans, _alice);
        }
        while (decision.IsAllowed);

        await WaitAsync(decision.After);

        Assert.True((await AskAsync(plans, _alice)).IsAllowed);
    }

    [Fact]
    public async Task TokenBucket_HoldsItsBurst()
    {
        using var plans = Plans(new() { Rates = ["1/h burst 5"] });

        Assert.Equal("+++++-", await AskAsync(plans, _alice, 6));
    }

    [Fact]
    public async Task OneUsersRequests_AreNotAnothers()
    {
        using var plans = Plans(new() { Rates = ["3/h"] });

        Assert.Equal("+++-", await AskAsync(plans, _alice, 4));
        Assert.Equal("+++-", await AskAsync(plans, Subject("bob"), 4));
    }

    [Fact]
    public async Task RequestRefusedByOneLimit_IsChargedToTheOthers()
    {
        using var plans = Plans(new() { Rates = ["2/h", "5/d fixed-window"] });

        Assert.Equal("++---", await AskAsync(plans, _alice, 5));

        // Of two that refuse, the one that takes longer is named. A shared engine charges refused requests with its next question.
        var started = TimeProvider.System.GetTimestamp();
        while ((await AskAsync(plans, _alice)).Limit!.FullName != "plan standard: 5/d")
        {
            Assert.True(TimeProvider.System.GetElapsedTime(started) < RedisServerUnderTest.Patience);
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task LimitsOfSeveralPlansAndKeys_AllApply()
    {
        using var plans = Plans(new() { Rates = ["100/h", "2/h per user+host"] }, new() { Rates = ["3/h per address"] });

        Assert.True((await AskAsync(plans, Subject("alice", host: "a.example"))).IsAllowed);
        Assert.True((await AskAsync(plans, Subject("alice", host: "a.example"))).IsAllowed);
        Assert.Equal("plan standard: 2/h per user+host", (await AskAsync(plans, Subject("alice", host: "a.example"))).Limit!.FullName);
        Assert.Equal("plan second: 3/h per address", (await AskAsync(plans, Subject("alice", host: "b.example"))).Limit!.FullName);
        Assert.True((await AskAsync(plans, Subject("alice", address: "192.0.2.2", host: "b.example"))).IsAllowed);
    }

    [Fact]
    public async Task AllowedRequest_ReportsTheLimitThatIsNearestToItsEnd()
    {
        using var plans = Plans(new() { Rates = ["100/h", "10/h per address"] });

        var decision = await AskAsync(plans, _alice);

        Assert.Equal("plan standard: 10/h per address", decision.Limit!.FullName);
        Assert.Equal(9, decision.Left);
        Assert.InRange(decision.After.TotalMinutes, 0.01, 61);
    }

    [Fact]
    public async Task Concurrency_IsGivenBackWhenTheExchangeEnds()
    {
        using var plans = Plans(new() { Concurrency = 2 });
        var first = Attempt(plans, _alice);
        var second = Attempt(plans, _alice);
        var third = Attempt(plans, _alice);

        Assert.True((await AcquireAsync(first)).IsAllowed);
        Assert.True((await AcquireAsync(second)).IsAllowed);
        Assert.False((await AcquireAsync(third)).IsAllowed);
        Assert.Equal((true, true, false), (first.HoldsPermits, second.HoldsPermits, third.HoldsPermits));

        _engine.Release(first);
        Assert.True((await AcquireAsync(third)).IsAllowed);
        _engine.Release(second);
        _engine.Release(third);
        Assert.True((await AcquireAsync(first)).IsAllowed);
    }

    [Fact]
    public async Task Tunnels_CountForThemselvesWhereThePlanSaysSo()
    {
        using var plans = Plans(new() { Concurrency = 1, Tunnels = 1 });
        var (tunnel, another) = (Attempt(plans, _alice, isTunnel: true), Attempt(plans, _alice, isTunnel: true));
        var request = Attempt(plans, _alice);

        Assert.True((await AcquireAsync(tunnel)).IsAllowed);
        Assert.Equal("plan standard: 1 tunnels", (await AcquireAsync(another)).Limit!.FullName);
        Assert.True((await AcquireAsync(request)).IsAllowed);

        _engine.Release(tunnel);
        Assert.True((await AcquireAsync(another)).IsAllowed);
    }

    [Fact]
    public async Task RequestRefusedByARate_HoldsNothing()
    {
        using var plans = Plans(new() { Rates = ["1/h"], Concurrency = 2 });

        Assert.True((await AcquireAsync(Attempt(plans, _alice))).IsAllowed);
        var refused = Attempt(plans, _alice);
        Assert.False((await AcquireAsync(refused)).IsAllowed);
        Assert.False((await AcquireAsync(refused)).IsAllowed);
        Assert.False(refused.HoldsPermits);

        Assert.Equal("plan standard: 1/h", (await AskAsync(plans, _alice)).Limit!.FullName); // and not the concurrency
    }

    [Fact]
    public async Task ChargeAlone_HoldsNothing()
    {
        using var plans = Plans(new() { Rates = ["2/h"], Concurrency = 1 });
        var charge = Attempt(plans, _alice);
        charge.ChargesOnly = true;

        await AcquireAsync(charge);

        Assert.False(charge.HoldsPermits);
        Assert.True((await AcquireAsync(Attempt(plans, _alice))).IsAllowed);
        Assert.Equal("plan standard: 2/h", (await AskAsync(plans, Subject("alice"))).Limit!.FullName);
    }

    [Fact]
    public async Task ManyAtOnce_AreNotAllowedMoreThanTheLimit()
    {
        using var plans = Plans(new() { Rates = ["500/d fixed-window"] });

        var decisions = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(() => AskAsync(plans, _alice, 50))));

        Assert.Equal(500, decisions.Sum(some => some.Count(static answer => answer == '+')));
    }

    private protected abstract ValueTask<ILimiterEngine> StartEngineAsync();

    private protected abstract ValueTask StopEngineAsync();

    private static PlanDirectory Plans(PlanOptions standard, PlanOptions? second = null)
    {
        var options = new PlansOptions { ["standard"] = standard };
        if (second is not null)
        {
            options["second"] = second;
        }

        return new PlanDirectory(new StaticOptions<PlansOptions>(options));
    }

    private static LimitSubject Subject(string user, string address = "192.0.2.1", string host = "origin.example")
        => new(user, LimitSubject.NetworkOf(IPAddress.Parse(address)), "", host);

    private static LimitAttempt Attempt(PlanDirectory plans, LimitSubject subject, bool isTunnel = false)
    {
        var attempt = new LimitAttempt { Subject = subject, IsTunnel = isTunnel };
        foreach (var plan in plans.All)
        {
            attempt.Add(plan);
        }

        return attempt;
    }

    private static async Task WaitAsync(TimeSpan time)
    {
        using var elapsed = new PeriodicTimer(time + TimeSpan.FromMilliseconds(5));
        await elapsed.WaitForNextTickAsync(TestContext.Current.CancellationToken);
    }

    private async Task<LimitDecision> AcquireAsync(LimitAttempt attempt) => await _engine.AcquireAsync(attempt, TestContext.Current.CancellationToken);

    private async Task<LimitDecision> AskAsync(PlanDirectory plans, LimitSubject subject)
    {
        var attempt = Attempt(plans, subject);
        var decision = await AcquireAsync(attempt);
        if (attempt.HoldsPermits)
        {
            _engine.Release(attempt);
        }

        return decision;
    }

    /// <returns>A plus for each that was allowed, a minus for each that was refused.</returns>
    private async Task<string> AskAsync(PlanDirectory plans, LimitSubject subject, int times)
    {
        var answers = new char[times];
        for (var i = 0; i < times; i++)
        {
            answers[i] = (await AskAsync(plans, subject)).IsAllowed ? '+' : '-';
        }

        return new string(answers);
    }
}
