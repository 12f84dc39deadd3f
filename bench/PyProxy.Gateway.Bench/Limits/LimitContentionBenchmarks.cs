using BenchmarkDotNet.Attributes;
using PyProxy.Gateway.Limits.Memory;
using PyProxy.Gateway.Limits.Plans;

namespace PyProxy.Gateway.Bench.Limits;

/// <summary>
/// The same decision while other threads decide: all for one user, or each for a user of its own. The time is that of all threads together, divided by all
/// decisions: with as many processors as threads and no contention it would fall in proportion.
/// <code>dotnet run -c Release --project bench/PyProxy.Gateway.Bench -- --filter '*LimitContention*'</code>
/// </summary>
[MemoryDiagnoser]
public class LimitContentionBenchmarks : IDisposable
{
    private const int Decisions = 1_000_000;

    private static readonly PlanOptions Plan = new()
    {
        Rates = ["1000000000/s", "1000000000/h sliding-window", "1000000000/d fixed-window"],
        Concurrency = 1000,
    };

    private readonly MemoryLimiterEngine _engine = new(TimeProvider.System);

    [Params(1, 2, 4)]
    public int Threads { get; set; }

    [Benchmark(OperationsPerInvoke = Decisions)]
    public void OneUser() => Run(static _ => "alice");

    [Benchmark(OperationsPerInvoke = Decisions)]
    public void UserPerThread() => Run(static thread => $"user{thread}");

    public void Dispose()
    {
        _engine.Dispose();
        GC.SuppressFinalize(this);
    }

    private void Run(Func<int, string> userOf)
    {
        var threads = new Thread[Threads];
        using var start = new ManualResetEventSlim();
        for (var i = 0; i < threads.Length; i++)
        {
            var attempt = LimitBenchmarks.Attempt(userOf(i), Plan);
            threads[i] = new Thread(() =>
            {
                start.Wait();
                for (var n = Decisions / Threads; n > 0; n--)
                {
                    LimitBenchmarks.Check(_engine.Acquire(attempt).IsAllowed);
                    _engine.Release(attempt);
                }
            });
            threads[i].Start();
        }

        start.Set();
        foreach (var thread in threads)
        {
            thread.Join();
        }
    }
}
