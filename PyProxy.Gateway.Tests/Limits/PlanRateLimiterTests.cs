using System.Net;
using System.Security.Claims;
using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using PyProxy.Gateway.Limits;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Tests.Limits;

public sealed class PlanRateLimiterTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly Monitor _options = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().AddSingleton<LimitsMetrics>().BuildServiceProvider();
    private PlanRateLimiter? _limiter;

    public void Dispose()
    {
        _limiter?.Dispose();
        _services.Dispose();
    }

    [Fact]
    public void BurstIsSpent_ThenPermitsComeBackAtTheRate()
    {
        Start("2/s burst 3");

        Assert.Equal([true, true, true, false], Ask("alice", times: 4));
        _time.Advance(TimeSpan.FromMilliseconds(500));
        Assert.Equal([true, false], Ask("alice", times: 2));
        _time.Advance(TimeSpan.FromHours(1));
        Assert.Equal([true, true, true, false], Ask("alice", times: 4));
    }

    [Fact]
    public void AllRates_AreEnforcedAtOnce()
    {
        Start("10/s", "4/h");
        Assert.Equal([true, true, true, true, false], Ask("alice", times: 5));
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.False(Ask("alice"));
    }

    [Fact]
    public void Refusal_NamesTheLimitAndWhenToComeBack()
    {
        Start("10/s", "1/m");
        Ask("alice");
        using var lease = _limiter!.AttemptAcquire(Request("alice"));

        Assert.True(lease.TryGetMetadata(MetadataName.ReasonPhrase, out var limit));
        Assert.Equal("plan standard: 1/m", limit);
        Assert.True(lease.TryGetMetadata(MetadataName.RetryAfter, out var retryAfter));
        Assert.Equal(60, retryAfter.TotalSeconds, 3);
    }

    [Fact]
    public void Users_HaveTheirOwnPermits()
    {
        Start("1/s");
        Assert.True(Ask("alice"));
        Assert.False(Ask("alice"));
        Assert.True(Ask("bob"));
    }

    [Theory]
    [InlineData("192.0.2.1", "192.0.2.1", true)]
    [InlineData("192.0.2.1", "::ffff:192.0.2.1", true)]
    [InlineData("192.0.2.1", "192.0.2.2", false)]
    [InlineData("2001:db8::1", "2001:db8::ffff:1", true)]
    [InlineData("2001:db8::1", "2001:db8:0:1::1", false)]
    public void WithoutUser_AddressesAreCounted(string first, string second, bool shared)
    {
        Start("1/s");
        Assert.True(Ask(Request(null, first)));
        Assert.Equal(!shared, Ask(Request(null, second)));
    }

    [Fact]
    public async Task RefusedRequest_PaysOnceThoughTheMiddlewareAsksTwice()
    {
        Start("1/s", "4/h");
        Assert.True(Ask("alice"));
        var request = Request("alice");
        Assert.False(Ask(request));
        using var waited = await _limiter!.AcquireAsync(request, cancellationToken: TestContext.Current.CancellationToken);
        Assert.False(waited.IsAcquired);

        // Of four an hour, one was allowed and one refused: two are left.
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(Ask("alice"));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(Ask("alice"));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.False(Ask("alice"));
    }

    [Fact]
    public void Reload_KeepsTheCountsOfPlansThatStayed()
    {
        Start("1/h");
        Assert.True(Ask("alice"));
        _options.Change(new PlansOptions { ["standard"] = new() { Rates = ["1/h"] }, ["other"] = new() { Rates = ["1/s"] } });
        Assert.False(Ask("alice"));
        _options.Change(new PlansOptions { ["standard"] = new() { Rates = ["5/h"] } });
        Assert.True(Ask("alice"));
    }

    [Fact]
    public void IdleUsers_AreForgotten()
    {
        Start("1/s");
        for (var i = 0; i < 1000; i++)
        {
            Ask($"user-{i}");
        }

        Assert.Equal(1000, _limiter!.SubjectCount);
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(0, _limiter.SubjectCount);
    }

    [Fact]
    public void AdminRole_IsExempt()
    {
        Start("1/h");
        Assert.All(Enumerable.Range(0, 5), _ => Assert.True(Ask(Request("alice", role: ListenerRole.Admin))));
    }

    [Fact]
    public async Task ManyThreads_GetNoMoreThanTheBurst()
    {
        Start("1/h burst 100");
        var allowed = 0;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 100; i++)
            {
                if (Ask("alice"))
                {
                    Interlocked.Increment(ref allowed);
                }
            }
        })));

        Assert.Equal(100, allowed);
    }

    private void Start(params string[] rates)
    {
        _options.CurrentValue = new PlansOptions { ["standard"] = new() { Rates = rates } };
        _limiter = new PlanRateLimiter(_options, _time, _services.GetRequiredService<LimitsMetrics>());
    }

    private bool[] Ask(string user, int times) => [.. Enumerable.Range(0, times).Select(_ => Ask(user))];

    private bool Ask(string user) => Ask(Request(user));

    private bool Ask(HttpContext request)
    {
        using var lease = _limiter!.AttemptAcquire(request);
        return lease.IsAcquired;
    }

    private static DefaultHttpContext Request(string? user, string address = "192.0.2.9", ListenerRole role = ListenerRole.Forward)
    {
        var context = new DefaultHttpContext
        {
            User = new ClaimsPrincipal(new ClaimsIdentity([new Claim(GatewayClaimTypes.Plan, "Standard")])),
        };
        context.Features.Set(new Exchange { Id = "d-1", Role = role, Account = user is null ? null : new KnownUser(user, [], "Standard"), ClientAddress = IPAddress.Parse(address) });
        return context;
    }

    private sealed class Monitor : IOptionsMonitor<PlansOptions>
    {
        private Action<PlansOptions, string?>? _listener;

        public PlansOptions CurrentValue { get; set; } = [];

        public PlansOptions Get(string? name) => CurrentValue;

        public IDisposable? OnChange(Action<PlansOptions, string?> listener)
        {
            _listener = listener;
            return null;
        }

        public void Change(PlansOptions value) => _listener!(CurrentValue = value, null);
    }
}
