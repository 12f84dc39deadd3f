using System.Collections.Concurrent;
using HdrHistogram;

namespace PyProxy.Gateway.Commands.Capacity;

/// <summary>
/// What one stage measures. Latency counts from the moment at which a request was due, not from when it could be sent: a gateway that stalls
/// also delays what should have been asked meanwhile, which would otherwise be missing (coordinated omission; Tene, HdrHistogram).
/// </summary>
internal sealed class LoadRecorder
{
    private const int Digits = 3;
    private const int MaxReasons = 64; // what a gateway answers is not ours to bound otherwise
    private static readonly long MaxMicroseconds = (long)TimeSpan.FromHours(1).TotalMicroseconds;

    private readonly HistogramBase _latency = CreateHistogram();
    private readonly HistogramBase _lateness = CreateHistogram();
    private readonly ConcurrentDictionary<string, long> _failures = new(StringComparer.Ordinal);
    private readonly long[] _byKind = new long[Enum.GetValues<LoadKind>().Length];
    private long _succeeded;
    private long _failed;
    private long _pending;

    public long Succeeded => Volatile.Read(ref _succeeded);

    public long Failed => Volatile.Read(ref _failed);

    /// <summary>Requests that were due and had no answer when the stage ended.</summary>
    public long Pending => Volatile.Read(ref _pending);

    public IReadOnlyDictionary<string, long> Failures => _failures;

    public long CountOf(LoadKind kind) => Volatile.Read(ref _byKind[(int)kind]);

    /// <summary>A request has ended.</summary>
    /// <param name="kind">What kind it was.</param>
    /// <param name="sinceDue">Time from when it was due.</param>
    /// <param name="failure">Why it failed; <see langword="null"/> where it did not.</param>
    public void Record(LoadKind kind, TimeSpan sinceDue, string? failure)
    {
        _latency.RecordValue(Clamp(sinceDue));
        Interlocked.Increment(ref _byKind[(int)kind]);
        if (failure is null)
        {
            Interlocked.Increment(ref _succeeded);
            return;
        }

        Interlocked.Increment(ref _failed);
        _failures.AddOrUpdate(_failures.Count < MaxReasons || _failures.ContainsKey(failure) ? failure : "other", 1, static (_, count) => count + 1);
    }

    /// <summary>A request that is still under way when the stage ends; with it the later ones that could not be sent meanwhile.</summary>
    public void RecordPending(TimeSpan sinceDue, TimeSpan interval)
    {
        for (var age = sinceDue; age > TimeSpan.Zero; age -= interval)
        {
            _latency.RecordValue(Clamp(age));
            Interlocked.Increment(ref _pending);
        }
    }

    /// <summary>How late a request was sent by a user who had nothing else to do: the load generator's own delay.</summary>
    public void RecordLateness(TimeSpan lateness) => _lateness.RecordValue(Clamp(lateness));

    public TimeSpan LatencyAt(double percentile) => At(_latency, percentile);

    public TimeSpan LatenessAt(double percentile) => At(_lateness, percentile);

    private static HistogramBase CreateHistogram() => HistogramFactory
        .With64BitBucketSize().WithValuesFrom(1).WithValuesUpTo(MaxMicroseconds).WithPrecisionOf(Digits).WithThreadSafeWrites().Create();

    private static long Clamp(TimeSpan time) => Math.Clamp((long)time.TotalMicroseconds, 1, MaxMicroseconds);

    private static TimeSpan At(HistogramBase histogram, double percentile)
        => histogram.TotalCount == 0 ? TimeSpan.Zero : TimeSpan.FromMicroseconds(histogram.GetValueAtPercentile(percentile));
}
