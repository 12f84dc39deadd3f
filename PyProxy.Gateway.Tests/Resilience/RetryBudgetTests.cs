using Microsoft.Extensions.Time.Testing;
using PyProxy.Gateway.Resilience;

namespace PyProxy.Gateway.Tests.Resilience;

public sealed class RetryBudgetTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void Retries_AreAShareOfTheTraffic()
    {
        var budget = new RetryBudget(share: 0.2, minimumPerSecond: 0, _time);

        Count(budget, 100);

        Assert.Equal(20, Take(budget, 100));
    }

    [Fact]
    public void LittleTraffic_HasItsMinimum()
    {
        var budget = new RetryBudget(share: 0, minimumPerSecond: 0.5, _time);

        Assert.Equal(5, Take(budget, 100)); // over ten seconds
        _time.Advance(TimeSpan.FromSeconds(9));
        Assert.Equal(0, Take(budget, 100));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(5, Take(budget, 100));
    }

    [Fact]
    public void TrafficOfLongAgo_CountsNoMore()
    {
        var budget = new RetryBudget(share: 1, minimumPerSecond: 0, _time);
        Count(budget, 10);

        _time.Advance(TimeSpan.FromSeconds(9));
        Assert.Equal(4, Take(budget, 4));
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(0, Take(budget, 1));
    }

    [Fact]
    public void SteadyTraffic_GetsItsShareForEver()
    {
        var budget = new RetryBudget(share: 0.1, minimumPerSecond: 0, _time);
        var taken = 0;
        for (var second = 0; second < 60; second++)
        {
            Count(budget, 50);
            taken += Take(budget, 50);
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.InRange(taken, 280, 300);
    }

    private static void Count(RetryBudget budget, int requests)
    {
        for (var i = 0; i < requests; i++)
        {
            budget.CountRequest();
        }
    }

    private static int Take(RetryBudget budget, int attempts)
    {
        var taken = 0;
        for (var i = 0; i < attempts; i++)
        {
            taken += budget.TryTake() ? 1 : 0;
        }

        return taken;
    }
}
