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
        Assert.All(Enumerable.Range(0, 3), i => Assert.Null(Wrong(limiter, From(i), "alice")));

        foreach (var seconds in (int[])[1, 2, 4, 8, 16, 32, 60, 60])
        {
            var retryAfter = Wrong(limiter, From(seconds), "alice");
            Assert.Equal(TimeSpan.FromSeconds(seconds), retryAfter);
            _time.Advance(retryAfter!.Value);
            Assert.Null(Wrong(limiter, From(seconds), "alice"));
        }
    }

    [Fact]
    public void WrongAttemptsFromAnAddress_ArePutOffForTwiceAsLongEachTime()
    {
        var limiter = Create(new GuessingOptions { AttemptsPerAddress = 3 });
        Assert.All(Enumerable.Range(0, 3), i => Assert.Null(Wrong(limiter, Here, $"user{i}")));

        foreach (var seconds in (int[])[1, 2, 4, 8, 16, 32, 60, 60])
        {
            var retryAfter = Wrong(limiter, Here, $"another{seconds}");
            Assert.Equal(TimeSpan.FromSeconds(seconds), retryAfter);
            _time.Advance(retryAfter!.Value);
            Assert.Null(Wrong(limiter, Here, $"after{seconds}"));
        }
    }

    [Fact]
    public void UnknownNames_ArePutOffAsKnownOnesAre()
    {
        var limiter = Create(new GuessingOptions { AttemptsPerName = 2 });
        var waits = ((string[])["alice", "nobody"]).Select(name =>
        {
            Assert.All(Enumerable.Range(0, 2), i => Assert.Null(Wrong(limiter, From(i), name)));
            return Wrong(limiter, Here, name);
        });

        Assert.Equal([TimeSpan.FromSeconds(1)], waits.Distinct());
    }

    [Fact]
    public void ManyNamesFromOneAddress_ArePutOff()
    {
        var limiter = Create(new GuessingOptions { AttemptsPerAddress = 10 });
        Assert.All(Enumerable.Range(0, 10), i => Assert.Null(Wrong(limiter, Here, $"user{i}")));

        Assert.NotNull(Wrong(limiter, Here, "another"));
        Assert.Null(Wrong(limiter, IPAddress.Parse("192.0.2.2"), "another"));
    }

    [Theory]
    [InlineData("2001:db8::1", "2001:db8::2", true)]
    [InlineData("2001:db8::1", "2001:db8:0:0:ffff:ffff:ffff:ffff", true)]
    [InlineData("2001:db8::1", "2001:db8:0:1::1", false)]
    [InlineData("192.0.2.1", "::ffff:192.0.2.1", true)]
    [InlineData("192.0.2.1", "192.0.2.2", false)]
    public void AddressesOfOneNetwork_AreOneInIPv6(string guesser, string next, bool isSame)
    {
        var limiter = Create(new GuessingOptions { AttemptsPerAddress = 1 });
        Assert.Null(Wrong(limiter, IPAddress.Parse(guesser), "a"));

        Assert.Equal(isSame, Wrong(limiter, IPAddress.Parse(next), "b") is not null);
    }

    [Fact]
    public void AttemptsAtOnceForAName_AreChargedBeforeAnyoneKnowsTheirOutcome()
    {
        var limiter = Create(new GuessingOptions { AttemptsPerName = 5, AttemptsPerAddress = 1000 });

        Assert.Equal(5, Enumerable.Range(0, 100).Count(i => limiter.TryEnter(From(i), "alice", GuessKind.Password, out _, out _)));
    }

    [Fact]
    public void ManyUsersOfOneAddressAtOnce_AreLetIn_UntilOneTooManyWasWrong()
    {
        var limiter = Create(new GuessingOptions { AttemptsPerAddress = 3 });
        var underWay = Enumerable.Range(0, 100).Select(i =>
        {
            Assert.True(limiter.TryEnter(Here, $"user{i}", GuessKind.Password, out var attempt, out _));
            return attempt;
        }).ToList();
        underWay.Take(90).ToList().ForEach(attempt => attempt.Succeeded());
        Assert.Null(Wrong(limiter, Here, "another"));
        underWay.Skip(90).ToList().ForEach(attempt => attempt.Failed());

        Assert.NotNull(Wrong(limiter, Here, "yet another"));
        Assert.True(limiter.TryEnter(Here, "user0", GuessKind.Password, out _, out _)); // was right from here
    }

    [Fact]
    public void SamePasswordOnManyConnections_IsOneAttempt()
    {
        var limiter = Create(new GuessingOptions { AttemptsPerName = 2, AttemptsPerAddress = 2 });
        Assert.True(limiter.TryEnter(Here, "alice", GuessKind.Password, out var first, out _));
        for (var i = 0; i < 50; i++)
        {
            Assert.True(limiter.TryEnter(Here, "alice", GuessKind.SamePassword, out var same, out _));
            same.Failed();
        }

        first.Failed();
        Assert.Null(Wrong(limiter, Here, "alice"));
        Assert.NotNull(Wrong(limiter, Here, "alice"));
        Assert.False(limiter.TryEnter(Here, "alice", GuessKind.SamePassword, out _, out _)); // from an address that is put off it is not looked at either
    }

    [Fact]
    public void WrongKeys_ArePutOffByAddress_AndAKeyThatWasRightFromThereIsNot()
    {
        var limiter = Create(new GuessingOptions { AttemptsPerAddress = 2 });
        Assert.True(limiter.TryEnter(Here, "right", GuessKind.Key, out var right, out _));
        right.Succeeded();
        for (var i = 0; i < 2; i++)
        {
            Assert.True(limiter.TryEnter(Here, name: null, GuessKind.Key, out var wrong, out _));
            wrong.Failed();
        }

        Assert.False(limiter.TryEnter(Here, "unknown", GuessKind.Key, out _, out _));
        Assert.False(limiter.TryEnter(Here, "right", GuessKind.Password, out _, out _)); // a name that happens to be a key's id
        Assert.True(limiter.TryEnter(Here, "right", GuessKind.Key, out _, out _));
    }

    [Fact]
    public void RightAttempts_CostNothing()
    {
        var limiter = Create(new GuessingOptions { AttemptsPerName = 1, AttemptsPerAddress = 1 });
        for (var i = 0; i < 10; i++)
        {
            Assert.True(limiter.TryEnter(Here, "alice", GuessKind.Password, out var attempt, out _));
            attempt.Succeeded();
        }
    }

    [Fact]
    public void WhoWasRightFromHere_IsNotLockedOutByOthers()
    {
        var limiter = Create(new GuessingOptions { AttemptsPerName = 2, AttemptsPerAddress = 2 });
        Assert.True(limiter.TryEnter(Here, "alice", GuessKind.Password, out var right, out _));
        right.Succeeded();

        Assert.Equal(2, Enumerable.Range(0, 50).Count(i => Wrong(limiter, From(i), "alice") is null)); // guesses from elsewhere
        Assert.Equal(2, Enumerable.Range(0, 50).Count(i => Wrong(limiter, Here, $"user{i}") is null)); // and a neighbour's

        Assert.Null(Wrong(limiter, Here, "alice"));
        Assert.NotNull(Wrong(limiter, From(7), "alice"));
    }

    [Fact]
    public void QuietTime_IsForgotten()
    {
        var limiter = Create(new GuessingOptions { AttemptsPerName = 1, AttemptsPerAddress = 1, Memory = TimeSpan.FromMinutes(15) });
        Assert.Null(Wrong(limiter, Here, "alice"));
        Assert.NotNull(Wrong(limiter, Here, "alice"));
        _time.Advance(TimeSpan.FromMinutes(15));

        Assert.Null(Wrong(limiter, Here, "alice"));
        Assert.Equal(TimeSpan.FromSeconds(1), Wrong(limiter, Here, "alice"));
    }

    [Fact]
    public void WithdrawnAttempt_IsNotCharged()
    {
        var limiter = Create(new GuessingOptions { AttemptsPerName = 1, AttemptsPerAddress = 1 });
        Assert.True(limiter.TryEnter(Here, "alice", GuessKind.Password, out var attempt, out _));
        attempt.Withdraw();

        Assert.Null(Wrong(limiter, Here, "alice"));
    }

    [Fact]
    public void NamesOfStrangers_DoNotPushOutANameUnderAttack()
    {
        var limiter = Create(new GuessingOptions { AttemptsPerName = 1, AttemptsPerAddress = 100_000, Tracked = 1000 });
        Assert.Null(Wrong(limiter, Here, "alice"));
        for (var i = 0; i < 5000; i++)
        {
            Wrong(limiter, Here, $"made-up-{i}");
            if (i % 100 == 0)
            {
                Assert.NotNull(Wrong(limiter, Here, "alice"));
            }
        }
    }

    private static IPAddress From(int i) => new([198, 51, 100, (byte)i]);

    /// <returns>How long a wrong attempt is put off; <see langword="null"/> where it was looked at.</returns>
    private static TimeSpan? Wrong(GuessingLimiter limiter, IPAddress address, string name)
    {
        if (!limiter.TryEnter(address, name, GuessKind.Password, out var attempt, out var retryAfter))
        {
            return retryAfter;
        }

        attempt.Failed();
        return null;
    }

    private GuessingLimiter Create(GuessingOptions options) => new(new StaticOptions<GuessingOptions>(options), _time);
}
