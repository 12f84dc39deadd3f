using System.Net;
using BenchmarkDotNet.Attributes;
using PyProxy.Gateway.Limits;
using PyProxy.Gateway.Limits.Memory;
using PyProxy.Gateway.Limits.Plans;

namespace PyProxy.Gateway.Bench.Limits;

/// <summary>
/// A decision in memory over four limits (token bucket, sliding and fixed window, concurrency), what is held given back.
/// <code>dotnet run -c Release --project bench/PyProxy.Gateway.Bench -- --filter '*LimitBenchmarks*'</code>
/// </summary>
[MemoryDiagnoser]
public class LimitBenchmarks : IDisposable
{
    private readonly MemoryLimiterEngine _engine = new(TimeProvider.System);
    private readonly LimitAttempt _allowed = Attempt("alice", new PlanOptions { Rates = ["1000000000/s", "1000000000/h sliding-window", "1000000000/d fixed-window"], Concurrency = 1000 });
    private readonly LimitAttempt _refused = Attempt("bob", new PlanOptions { Rates = ["1/d", "1000000000/h sliding-window", "1000000000/d fixed-window"], Concurrency = 1000 });
    private readonly LimitAttempt _twoKeys = Attempt("carol", new PlanOptions { Rates = ["1000000000/s", "1000000000/h sliding-window", "1000000000/d fixed-window per user+host"], Concurrency = 1000 });

    [GlobalSetup]
    public void Setup()
    {
        // The first question makes the subject; the second of the refused one is refused.
        Check(Decide(_allowed) && Decide(_refused) && !Decide(_refused) && Decide(_twoKeys));
    }

    [Benchmark(Baseline = true)]
    public bool FourLimits() => Decide(_allowed);

    [Benchmark]
    public bool FourLimitsRefused() => Decide(_refused);

    /// <summary>Counts of two subjects: the user's, and the user's at one host.</summary>
    [Benchmark]
    public bool FourLimitsOfTwoKeys() => Decide(_twoKeys);

    public void Dispose()
    {
        _engine.Dispose();
        GC.SuppressFinalize(this);
    }

    internal static LimitAttempt Attempt(string user, PlanOptions plan)
    {
        using var plans = new PlanDirectory(new FixedOptions<PlansOptions>(new PlansOptions { ["standard"] = plan }));
        var attempt = new LimitAttempt { Subject = new LimitSubject(user, LimitSubject.NetworkOf(IPAddress.Loopback), "", "origin.example") };
        attempt.Add(plans.Find("standard")!);
        return attempt;
    }

    internal static void Check(bool isAsMeant)
    {
        if (!isAsMeant)
        {
            throw new InvalidOperationException("The limits decide otherwise than the benchmark means.");
        }
    }

    private bool Decide(LimitAttempt attempt)
    {
        var decision = _engine.Acquire(attempt);
        if (attempt.HoldsPermits)
        {
            _engine.Release(attempt);
        }

        return decision.IsAllowed;
    }
}
