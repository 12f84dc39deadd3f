using System.Net;
using Microsoft.Extensions.Time.Testing;
using PyProxy.Gateway.Tests.Listeners;
using PyProxy.Gateway.Users.Guessing;

namespace PyProxy.Gateway.Tests.Users.Guessing;

public sealed class GuessingLimiterTests
{
    private static readonly IPAddress Here = IPAddress.Parse("192.0.2.1");

    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void WrongAttemptsForAName_ArePutOffForTwiceAsLongEachTime()
    {
        var limiter = Create(new GuessingOptions { AttemptsPerName = 3 });
        Assert.All(Enumerable.Range(0, 3), i => Assert.True(limiter.TryEnter(From(i), "alice", out _, out _)));

        foreach (var seconds in (int[])[1, 2, 4, 8, 16, 32, 60, 60])
        {
            Assert.False(limiter.TryEnter(From(seconds), "alice", out _, out var retryAfter));
            Assert.Equal(TimeSpan.FromSeconds(seconds), retryAfter);
            _time.Advance(retryAfter);
            Assert.True(limiter.TryEnter(From(seconds), "alice", out _, out _));
        }
    }

    [Fact]
    public void UnknownNames_ArePutOffAsKnownOnesAre()
    {
        var limiter = Create(new GuessingOptions { AttemptsPerName = 2 });
        var waits = ((string[])["alice", "nobody"]).Select(name =>
        {
            Assert.All(Enumerable.Range(0, 2), i => Assert.True(limiter.TryEnter(From(i), name, out _, out _)));
            Assert.False(limiter.TryEnter(Here, name, out _, out var retryAfter));
            return retryAfter;
        });

        Assert.Single(waits.Distinct());
    }

    [Fact]
    public void ManyNamesFromOneAddress_ArePutOff()
    {
        var limiter = Create(new GuessingOptions { AttemptsPerAddress = 10 });
        Assert.All(Enumerable.Range(0, 10), i => Assert.True(limiter.TryEnter(Here, $"user{i}", out _, out _)));

        Assert.False(limiter.TryEnter(Here, "another", out _, out _));
        Assert.True(limiter.TryEnter(IPAddress.Parse("192.0.2.2"), "another", out _, out _));
    }

    [Fact]
    public void AddressesOfOneNetwork_AreOneInIPv6()
    {
        var limiter = Create(new GuessingOptions { AttemptsPerAddress = 2 });
        Assert.True(limiter.TryEnter(IPAddress.Parse("2001:db8::1"), "a", out _, out _));
        Assert.True(limiter.TryEnter(IPAddress.Parse("2001:db8::2"), "b", out _, out _));

        Assert.False(limiter.TryEnter(IPAddress.Parse("2001:db8::3"), "c", out _, out _));
        Assert.True(limiter.TryEnter(IPAddress.Parse("2001:db8:0:1::3"), "c", out _, out _));
    }

    [Fact]
    public void AttemptsAtOnce_AreChargedBeforeAnyoneKnowsTheirOutcome()
    {
        var limiter = Create(new GuessingOptions { AttemptsPerName = 5, AttemptsPerAddress = 1000 });

        Assert.Equal(5, Enumerable.Range(0, 100).Count(i => limiter.TryEnter(From(i), "alice", out _, out _)));
    }

    [Fact]
    public void RightAttempts_CostNothing()
    {
        var limiter = Create(new GuessingOptions { AttemptsPerName = 1, AttemptsPerAddress = 1 });
        for (var i = 0; i < 10; i++)
        {
            Assert.True(limiter.TryEnter(Here, "alice", out var attempt, out _));
            attempt.Succeeded();
        }
    }

    [Fact]
    public void WhoWasRightFromHere_IsNotLockedOutByOthers()
    {
        var limiter = Create(new GuessingOptions { AttemptsPerName = 2, AttemptsPerAddress = 2 });
        Assert.True(limiter.TryEnter(Here, "alice", out var right, out _));
        right.Succeeded();

        Assert.Equal(2, Enumerable.Range(0, 50).Count(i => limiter.TryEnter(From(i), "alice", out _, out _))); // guesses from elsewhere
        Assert.Equal(2, Enumerable.Range(0, 50).Count(i => limiter.TryEnter(Here, $"user{i}", out _, out _))); // and a neighbour's

        Assert.True(limiter.TryEnter(Here, "alice", out _, out _));
        Assert.False(limiter.TryEnter(From(7), "alice", out _, out _));
    }

    [Fact]
    public void QuietTime_IsForgotten()
    {
        var limiter = Create(new GuessingOptions { AttemptsPerName = 1, Memory = TimeSpan.FromMinutes(15) });
        Assert.True(limiter.TryEnter(Here, "alice", out _, out _));
        Assert.False(limiter.TryEnter(Here, "alice", out _, out _));
        _time.Advance(TimeSpan.FromMinutes(15));

        Assert.True(limiter.TryEnter(Here, "alice", out _, out _));
        Assert.False(limiter.TryEnter(Here, "alice", out _, out var retryAfter));
        Assert.Equal(TimeSpan.FromSeconds(1), retryAfter);
    }

    [Fact]
    public void WithdrawnAttempt_IsNotCharged()
    {
        var limiter = Create(new GuessingOptions { AttemptsPerName = 1 });
        Assert.True(limiter.TryEnter(Here, "alice", out var attempt, out _));
        attempt.Withdraw();

        Assert.True(limiter.TryEnter(Here, "alice", out _, out _));
    }

    [Fact]
    public void NamesOfStrangers_DoNotPushOutANameUnderAttack()
    {
        var limiter = Create(new GuessingOptions { AttemptsPerName = 1, AttemptsPerAddress = 100_000, Tracked = 1000 });
        Assert.True(limiter.TryEnter(Here, "alice", out _, out _));
        for (var i = 0; i < 5000; i++)
        {
            limiter.TryEnter(Here, $"made-up-{i}", out _, out _);
            if (i % 100 == 0)
            {
                Assert.False(limiter.TryEnter(Here, "alice", out _, out _));
            }
        }
    }

    private static IPAddress From(int i) => new([198, 51, 100, (byte)i]);

    private GuessingLimiter Create(GuessingOptions options) => new(new StaticOptions<GuessingOptions>(options), _time);
}
