using System.Net;
using PyProxy.Gateway.Limits;
using PyProxy.Gateway.Limits.Plans;
using PyProxy.Gateway.Tests.Contracts;
using PyProxy.Gateway.Tests.Listeners;

namespace PyProxy.Gateway.Tests.Limits.Redis;

/// <summary>Three gateways' engines on one Redis, and one user who uses all of them.</summary>
internal sealed class ThreeGateways : IAsyncDisposable
{
    // Twelve clients ask thousands of times a second.
    private static readonly TimeSpan Stall = TimeSpan.FromMilliseconds(20);

    private readonly PlanDirectory _plans;
    private readonly LimitSubject _alice = new("alice", LimitSubject.NetworkOf(IPAddress.Loopback), "", "origin.example");

    private ThreeGateways(SharedLimiter[] gateways, PlanOptions plan)
    {
        Gateways = gateways;
        _plans = new PlanDirectory(new StaticOptions<PlansOptions>(new PlansOptions { ["standard"] = plan }));
    }

    public SharedLimiter[] Gateways { get; }

    public static async Task<ThreeGateways> StartAsync(
        RedisServerUnderTest server, PlanOptions plan, LimitsOptions? options = null, TimeSpan? timeout = null, TimeSpan? heldLife = null)
    {
        var gateways = new SharedLimiter[3];
        for (var i = 0; i < gateways.Length; i++)
        {
            gateways[i] = await SharedLimiter.StartAsync(server.Endpoint, options, timeout, heldLife);
            await gateways[i].Fleet.RegisterAsync();
        }

        foreach (var gateway in gateways)
        {
            await gateway.Fleet.RegisterAsync(); // the first did not know of the last
        }

        return new ThreeGateways(gateways, plan);
    }

    public LimitAttempt Attempt()
    {
        var attempt = new LimitAttempt { Subject = _alice };
        attempt.Add(_plans.Find("standard")!);
        return attempt;
    }

    public async Task<bool> AskAsync(int gateway)
        => (await Gateways[gateway].Engine.AcquireAsync(Attempt(), TestContext.Current.CancellationToken)).IsAllowed;

    /// <summary>Holds as many as one gateway gives.</summary>
    public async Task<List<LimitAttempt>> HoldAllAsync(int gateway)
    {
        List<LimitAttempt> held = [];
        while (true)
        {
            var attempt = Attempt();
            if (!(await Gateways[gateway].Engine.AcquireAsync(attempt, TestContext.Current.CancellationToken)).IsAllowed)
            {
                return held;
            }

            held.Add(attempt);
        }
    }

    /// <summary>Asks all gateways, several requests at once on each, as fast as they answer.</summary>
    /// <returns>When permits were given, in order, and for how long in all nobody asked anything: this process had no turn.</returns>
    public async Task<(List<TimeSpan> Allowed, TimeSpan Stalled)> HammerAsync(TimeSpan duration)
    {
        var (asked, stalled) = (0L, 0L);
        var started = TimeProvider.System.GetTimestamp();
        var clients = Enumerable.Range(0, 12).Select(client => Task.Run(async () =>
        {
            List<TimeSpan> allowed = [];
            for (var now = TimeSpan.Zero; now < duration; now = TimeProvider.System.GetElapsedTime(started))
            {
                var isAllowed = await AskAsync(client % 3);
                var at = TimeProvider.System.GetElapsedTime(started);
                if (at.Ticks - Interlocked.Exchange(ref asked, at.Ticks) is var gap && gap > Stall.Ticks)
                {
                    Interlocked.Add(ref stalled, gap);
                }

                if (isAllowed)
                {
                    allowed.Add(at);
                }
                else
                {
                    await Task.Yield();
                }
            }

            return allowed;
        }));
        return ([.. (await Task.WhenAll(clients)).SelectMany(static allowed => allowed).Order()], TimeSpan.FromTicks(stalled));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var gateway in Gateways)
        {
            await gateway.DisposeAsync();
        }

        _plans.Dispose();
    }
}
