using System.Globalization;
using PyProxy.Gateway.Sections;

namespace PyProxy.Gateway.Resilience;

internal sealed class ResilienceOptionsValidator : ISectionValidator<ResilienceOptions>
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    public void Validate(ResilienceOptions options, string path, ConfigurationErrors errors)
    {
        ValidateConnect(options.Connect, new Range($"{path}:{nameof(ResilienceOptions.Connect)}", errors));
        foreach (var (name, pipeline) in options.Pipelines)
        {
            ValidatePipeline(pipeline ?? new PipelineOptions(), $"{path}:{nameof(ResilienceOptions.Pipelines)}:{name}", errors);
        }
    }

    private static void ValidateConnect(ConnectOptions connect, Range range)
    {
        range.Check(nameof(connect.Timeout), connect.Timeout, Milliseconds(10), TimeSpan.FromMinutes(10));
        range.Check(nameof(connect.Delay), connect.Delay, TimeSpan.Zero, TimeSpan.FromMinutes(1));
        range.Check(nameof(connect.MaxDelay), connect.MaxDelay, connect.Delay, TimeSpan.FromMinutes(5));
        range.Check(nameof(connect.MaxRetries), connect.MaxRetries, 0, 10);
    }

    private static void ValidatePipeline(PipelineOptions pipeline, string path, ConfigurationErrors errors)
    {
        var range = new Range(path, errors);
        range.CheckUnlessZero(nameof(pipeline.Timeout), pipeline.Timeout, Milliseconds(10), Day);
        range.CheckUnlessZero(nameof(pipeline.TryTimeout), pipeline.TryTimeout, Milliseconds(10), Day);
        range.Check(nameof(pipeline.SlowStart), pipeline.SlowStart, TimeSpan.Zero, TimeSpan.FromHours(1));
        for (var i = 0; i < pipeline.FailureStatuses?.Count; i++)
        {
            range.Check($"{nameof(pipeline.FailureStatuses)}:{i}", pipeline.FailureStatuses[i], 400, 599);
        }

        ValidateRetry(pipeline.Retry, range.Below(nameof(pipeline.Retry)));
        ValidateBreaker(pipeline.CircuitBreaker, range.Below(nameof(pipeline.CircuitBreaker)));
        ValidateBulkhead(pipeline.Bulkhead, range.Below(nameof(pipeline.Bulkhead)));
        ValidateEjection(pipeline.Ejection, range.Below(nameof(pipeline.Ejection)));
    }

    private static void ValidateRetry(RetryOptions retry, Range range)
    {
        range.Check(nameof(retry.MaxRetries), retry.MaxRetries, 0, 10);
        range.Check(nameof(retry.Delay), retry.Delay, TimeSpan.Zero, TimeSpan.FromMinutes(1));
        range.Check(nameof(retry.MaxDelay), retry.MaxDelay, retry.Delay, TimeSpan.FromMinutes(5));
        range.Check(nameof(retry.BufferLimit), retry.BufferLimit, 0, 16 * 1024 * 1024);
        range.Check(nameof(retry.BudgetShare), retry.BudgetShare, 0, 1);
        range.Check(nameof(retry.BudgetMinimum), retry.BudgetMinimum, 0, 10_000);
    }

    private static void ValidateBreaker(BreakerOptions breaker, Range range)
    {
        range.CheckUnlessZero(nameof(breaker.FailureRate), breaker.FailureRate, 0.01, 1);
        range.Check(nameof(breaker.MinimumRequests), breaker.MinimumRequests, 2, 1_000_000);
        range.Check(nameof(breaker.Window), breaker.Window, Milliseconds(500), TimeSpan.FromHours(1));
        range.Check(nameof(breaker.BreakDuration), breaker.BreakDuration, Milliseconds(500), Day);
    }

    private static void ValidateBulkhead(BulkheadOptions bulkhead, Range range)
    {
        range.Check(nameof(bulkhead.MaxConcurrency), bulkhead.MaxConcurrency ?? 1, 1, 1_000_000);
        range.Check(nameof(bulkhead.QueueLength), bulkhead.QueueLength, 0, 1_000_000);
        range.Check(nameof(bulkhead.QueueTimeout), bulkhead.QueueTimeout, Milliseconds(10), TimeSpan.FromMinutes(10));
    }

    private static void ValidateEjection(EjectionOptions ejection, Range range)
    {
        range.CheckUnlessZero(nameof(ejection.FailureRate), ejection.FailureRate, 0.01, 1);
        range.CheckUnlessZero(nameof(ejection.LatencyFactor), ejection.LatencyFactor, 1.5, 1000);
        range.Check(nameof(ejection.LatencyFloor), ejection.LatencyFloor, TimeSpan.Zero, TimeSpan.FromMinutes(10));
        range.Check(nameof(ejection.MinimumRequests), ejection.MinimumRequests, 2, 1_000_000);
        range.Check(nameof(ejection.Window), ejection.Window, Milliseconds(100), TimeSpan.FromHours(1));
        range.Check(nameof(ejection.Duration), ejection.Duration, Milliseconds(100), Day);
        range.Check(nameof(ejection.MaxDuration), ejection.MaxDuration, ejection.Duration, Day);
        range.Check(nameof(ejection.MaxEjected), ejection.MaxEjected, 0, 1);
    }

    private static TimeSpan Milliseconds(int count) => TimeSpan.FromMilliseconds(count);

    /// <summary>Reports what is out of range, below one path.</summary>
    private readonly struct Range(string path, ConfigurationErrors errors)
    {
        public Range Below(string key) => new($"{path}:{key}", errors);

        public void Check<T>(string key, T value, T least, T most)
            where T : IComparable<T>
        {
            if (value.CompareTo(least) < 0 || value.CompareTo(most) > 0)
            {
                errors.Add($"{path}:{key}", string.Create(CultureInfo.InvariantCulture, $"{value} is not between {least} and {most}."));
            }
        }

        public void CheckUnlessZero<T>(string key, T value, T least, T most)
            where T : struct, IComparable<T>
        {
            if (value.CompareTo(default) != 0)
            {
                Check(key, value, least, most);
            }
        }
    }
}
