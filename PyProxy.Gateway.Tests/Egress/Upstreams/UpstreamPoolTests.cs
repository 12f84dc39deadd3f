using Microsoft.Extensions.Time.Testing;
using PyProxy.Gateway.Egress.Upstreams;

namespace PyProxy.Gateway.Tests.Egress.Upstreams;

public sealed class UpstreamPoolTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void RoundRobin_TakesTurns_AlsoAmongThoseThatAreLeft()
    {
        var pool = Pool(UpstreamSelection.RoundRobin);
        Assert.Equal("a b c a b c", string.Join(' ', Take(pool, 6)));

        Eject(pool, "b");

        Assert.Equal(["a", "c"], Take(pool, 6).Distinct().Order(StringComparer.Ordinal), StringComparer.Ordinal);
        Assert.Equal(3, Take(pool, 6).Count(name => name == "a")); // its neighbour does not get the share of the one that is out
    }

    [Fact]
    public void Weighted_GivesSharesByWeight()
    {
        var taken = Take(Pool(UpstreamSelection.Weighted, ("a", 1), ("b", 3)), 400);

        Assert.InRange(taken.Count(name => name == "b"), 297, 303);
        Assert.DoesNotContain("a a", string.Join(' ', taken), StringComparison.Ordinal); // spread, not in runs
    }

    [Fact]
    public void LeastConnections_TakesTheOneWithFewest_ForItsWeight()
    {
        var pool = Pool(UpstreamSelection.LeastConnections, ("a", 1), ("b", 2));
        var carried = new List<IDisposable>();
        for (var i = 0; i < 6; i++)
        {
            carried.Add(pool.Choose("", "", [])!.Health.Use());
        }

        Assert.Equal([2, 4], pool.Proxies.Select(p => p.Health.InUse));
        carried.ForEach(place => place.Dispose());
        carried.ForEach(place => place.Dispose());
        Assert.All(pool.Proxies, proxy => Assert.Equal(0, proxy.Health.InUse));
    }

    [Theory]
    [InlineData("StickyPerUser")]
    [InlineData("StickyPerTarget")]
    [InlineData("StickyPerUserAndTarget")]
    public void Sticky_MovesOnlyWhatWasOnTheOneThatWentOut_AndMovesItBack(string selection)
    {
        var pool = Pool(Enum.Parse<UpstreamSelection>(selection));
        var before = Map(pool);
        Assert.Equal(3, before.Values.Distinct(StringComparer.Ordinal).Count());

        Eject(pool, "b");
        var during = Map(pool);
        _time.Advance(pool.Options.EjectionTime);
        var after = Map(pool);

        Assert.All(before, entry => Assert.Equal(entry.Value == "b", during[entry.Key] != entry.Value));
        Assert.Equal(before, after);

        static Dictionary<int, string> Map(UpstreamPool pool)
            => Enumerable.Range(0, 200).ToDictionary(i => i, i => pool.Choose($"user{i}", $"host{i}.example", [])!.Name);
    }

    [Fact]
    public void ProxiesThatFailedTheExchange_AreNotChosenAgain()
    {
        var pool = Pool(UpstreamSelection.RoundRobin);

        Assert.Equal("c", pool.Choose("", "", [pool.Proxies[0], pool.Proxies[1]])!.Name);
        Assert.Null(pool.Choose("", "", [.. pool.Proxies]));
    }

    [Theory]
    [InlineData("Try", true)]
    [InlineData("Refuse", false)]
    public void AllAreOut_TheyAreTried_OrNot(string whenAllOut, bool tried)
    {
        var pool = Pool(UpstreamSelection.RoundRobin, Enum.Parse<WhenAllOut>(whenAllOut), ("a", 1), ("b", 1));
        Eject(pool, "a");
        Eject(pool, "b");

        Assert.Equal(tried, pool.Choose("", "", []) is not null);
        Assert.Equal(pool.Options.EjectionTime, pool.UntilOneIsBack);
    }

    [Fact]
    public void FailuresInARow_TakeItOut_AndOneMoreAtItsReturnForTwiceAsLong()
    {
        var health = new UpstreamHealth(_time);
        var limits = new UpstreamPoolOptions();

        Assert.False(health.HasFailed("x", limits));
        Assert.False(health.HasFailed("x", limits));
        health.Succeeded(); // not in a row
        Assert.False(health.HasFailed("x", limits));
        Assert.False(health.HasFailed("x", limits));
        Assert.True(health.HasFailed("x", limits));
        Assert.False(health.IsIn);
        _time.Advance(limits.EjectionTime);
        Assert.True(health.IsIn);
        Assert.True(health.HasFailed("x", limits));
        Assert.Equal(2 * limits.EjectionTime, health.Remaining);
        _time.Advance(2 * limits.EjectionTime);
        health.Succeeded();
        Assert.False(health.HasFailed("x", limits)); // forgiven
    }

    [Fact]
    public void FailedChecks_KeepItOut_UntilOneSucceeds()
    {
        var health = new UpstreamHealth(_time);
        var limits = new UpstreamPoolOptions { FailuresToEject = 2 };

        Assert.False(health.CheckFailed("x", limits));
        Assert.True(health.CheckFailed("x", limits));
        _time.Advance(TimeSpan.FromDays(1));
        Assert.False(health.IsIn);
        Assert.True(health.CheckSucceeded());

        Assert.True(health.IsIn);
        Assert.Equal("x", health.LastFailure);
    }

    [Fact]
    public void Reload_KeepsWhatIsKnown_OfAProxyThatIsStillTheSame()
    {
        var pool = Pool(UpstreamSelection.RoundRobin);
        Eject(pool, "a");
        Eject(pool, "b");

        var options = Options(UpstreamSelection.Weighted, WhenAllOut.Try, [("a", 5), ("b", 1)]);
        ((Dictionary<string, UpstreamProxyOptions>)options.Proxies)["b"] = new UpstreamProxyOptions { Address = "socks5://192.0.2.99" };
        var reloaded = new UpstreamPool("p", options, _time, pool);

        Assert.Equal([false, true], reloaded.Proxies.Select(p => p.Health.IsIn));
    }

    private static List<string> Take(UpstreamPool pool, int count) => [.. Enumerable.Range(0, count).Select(_ => pool.Choose("", "", [])!.Name)];

    private static void Eject(UpstreamPool pool, string name)
    {
        var health = pool.Proxies.Single(p => p.Name == name).Health;
        while (!health.HasFailed("test", pool.Options))
        {
        }
    }

    private static UpstreamPoolOptions Options(UpstreamSelection selection, WhenAllOut whenAllOut, (string Name, int Weight)[] proxies) => new()
    {
        Selection = selection,
        WhenAllOut = whenAllOut,
        Proxies = proxies.ToDictionary(
            p => p.Name, p => new UpstreamProxyOptions { Address = "http://192.0.2.1:3128", Weight = p.Weight }, StringComparer.OrdinalIgnoreCase),
    };

    private UpstreamPool Pool(UpstreamSelection selection) => Pool(selection, ("a", 1), ("b", 1), ("c", 1));

    private UpstreamPool Pool(UpstreamSelection selection, params (string Name, int Weight)[] proxies) => Pool(selection, WhenAllOut.Try, proxies);

    private UpstreamPool Pool(UpstreamSelection selection, WhenAllOut whenAllOut, params (string Name, int Weight)[] proxies)
        => new("p", Options(selection, whenAllOut, proxies), _time);
}
