using System.Diagnostics.Metrics;
using Microsoft.Extensions.Time.Testing;
using PyProxy.Gateway.Limits.Plans;
using PyProxy.Gateway.Limits.Quotas;

namespace PyProxy.Gateway.Tests.Limits.Quotas;

public sealed class QuotaCountersTests : IDisposable
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly QuotaCounters _counters;

    public QuotaCountersTests() => _counters = new QuotaCounters(_time, new QuotaMetrics(_services.GetRequiredService<IMeterFactory>()));

    public void Dispose() => _services.Dispose();

    [Fact]
    public void IdleCounter_IsForgottenOnceTheDatabaseKnowsIt()
    {
        var counter = _counters.Use("alice", Quota("10 requests/month"));
        counter.Add(3);
        _time.Advance(TimeSpan.FromMinutes(2));
        _counters.Settle(areWritten: true);
        Assert.Equal(1, _counters.Count); // in use

        _counters.Release(counter);
        _time.Advance(TimeSpan.FromMinutes(2));
        _counters.Settle(areWritten: true);
        Assert.Equal(1, _counters.Count); // not written

        Assert.True(counter.TryTake(out var amount));
        counter.Written(amount, new QuotaState(Used: 3, Raised: 0));
        _counters.Settle(areWritten: false);
        Assert.Equal(1, _counters.Count); // the database is away
        _counters.Settle(areWritten: true);
        Assert.Equal(0, _counters.Count);
    }

    [Fact]
    public void NextPeriod_BeginsAtNothing_AndOtherNumbersGoOn()
    {
        var counter = _counters.Use("alice", Quota("10 requests/day"));
        counter.Add(7);
        Assert.Same(counter, _counters.Use("alice", Quota("20 requests/day")));
        Assert.Equal((7, 20), (counter.Used, counter.Amount));

        _time.Advance(TimeSpan.FromHours(12));
        var next = _counters.Renew(counter);
        Assert.Equal(0, next.Used);
        Assert.Equal("2026-03-02 day", next.Period.Name);
    }

    [Fact]
    public void UsedUpCounter_IsAskedForAgainOnlyAfterARefusal()
    {
        var counter = _counters.Use("alice", Quota("1 requests/day"));
        counter.Add(1);
        Assert.True(counter.TryTake(out _));
        Assert.False(counter.TryTake(out _));

        counter.Ask();
        Assert.True(counter.TryTake(out var nothing));
        Assert.Equal(0, nothing);
    }

    private static QuotaLimit Quota(string text)
    {
        Assert.True(LimitParser.TryParseQuota("p", text, out var quota));
        return quota;
    }
}
