using System.ComponentModel;

namespace PyProxy.Gateway.Resilience;

/// <summary>One pipeline for requests. What is not set does not take part.</summary>
internal sealed record PipelineOptions
{
    [Description("How long all tries together may take until an answer's head is there, waits between them included; then 504. The body behind it is not "
        + "counted, nor are requests whose body does not fit Retry:BufferLimit. 00:00:00.010 to 1.00:00:00; 00:00:00 = no limit. Default: 00:00:00.")]
    public TimeSpan Timeout { get; init; }

    [Description("How long one try may take until the answer's head is there. Counted like Timeout. 00:00:00.010 to 1.00:00:00; 00:00:00 = no limit. "
        + "Default: 00:00:00.")]
    public TimeSpan TryTimeout { get; init; }

    // No default value here: the configuration binder would append to it, and a list could only grow.
    [Description("Statuses of a destination that count as its failure, for retries, the circuit breaker and ejection. 400 to 599. Default: 502, 503, 504.")]
    public IReadOnlyList<int>? FailureStatuses { get; init; }

    [Description("Tries that follow a failed one.")]
    public RetryOptions Retry { get; init; } = new();

    [Description("A circuit breaker for each destination of a cluster.")]
    public BreakerOptions CircuitBreaker { get; init; } = new();

    [Description("How much of the cluster's work may be under way at once.")]
    public BulkheadOptions Bulkhead { get; init; } = new();

    [Description("Takes out destinations of a cluster that do worse than the others.")]
    public EjectionOptions Ejection { get; init; } = new();

    [Description("How long a destination that returns, or is new, is given less than its share of a cluster's requests: from a twentieth at the beginning to "
        + "all of it. 00:00:00 (at once) to 01:00:00, default 00:00:00.")]
    public TimeSpan SlowStart { get; init; }

    /// <summary>Whether something judges destinations and takes them out of the cluster for a while.</summary>
    public bool JudgesDestinations => CircuitBreaker.FailureRate > 0 || Ejection.IsOn;

    /// <summary>Equality by value; a list would be compared by reference.</summary>
    public bool SaysTheSameAs(PipelineOptions other)
        => this with { FailureStatuses = null } == other with { FailureStatuses = null }
            && (FailureStatuses ?? []).SequenceEqual(other.FailureStatuses ?? []);
}

/// <summary>Requests that may be repeated: idempotent methods (RFC 9110 §9.2.2), a body that is kept, an answer that has not begun.</summary>
internal sealed record RetryOptions
{
    [Description("How many tries may follow the first one. 0 (never retry) to 10, default 0.")]
    public int MaxRetries { get; init; }

    [Description("Delay before the first retry; each further one doubles it, and jitter spreads it. 00:00:00 to 00:01:00, default 00:00:00.025.")]
    public TimeSpan Delay { get; init; } = TimeSpan.FromMilliseconds(25);

    [Description("Upper bound of the delay between two tries. At least Delay, at most 00:05:00, default 00:00:01.")]
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromSeconds(1);

    [Description("Bytes of a request's body that are kept to be sent again. Once more than that has been read from the client, the request is not tried "
        + "again. 0 to 16777216, default 65536.")]
    public int BufferLimit { get; init; } = 64 * 1024;

    [Description("Retries as a share of the requests of the last ten seconds. 0 to 1, default 0.2.")]
    public double BudgetShare { get; init; } = 0.2;

    [Description("Retries per second that are allowed whatever the share, so that little traffic can be retried too. 0 to 10000, default 3.")]
    public double BudgetMinimum { get; init; } = 3;
}

/// <summary>The circuit breaker of one destination.</summary>
internal sealed record BreakerOptions
{
    [Description("Share of failures among a destination's tries at which it is taken out of its cluster. 0.01 to 1; 0 = no breaker. Default: 0.")]
    public double FailureRate { get; init; }

    [Description("Tries within Window below which nothing is concluded. 2 to 1000000, default 10.")]
    public int MinimumRequests { get; init; } = 10;

    [Description("Over how long failures are counted. 00:00:00.500 to 01:00:00, default 00:00:10.")]
    public TimeSpan Window { get; init; } = TimeSpan.FromSeconds(10);

    [Description("How long the destination stays out; one request is then let through, and decides. 00:00:00.500 to 1.00:00:00, default 00:00:10.")]
    public TimeSpan BreakDuration { get; init; } = TimeSpan.FromSeconds(10);
}

/// <summary>Places for a cluster's requests.</summary>
internal sealed record BulkheadOptions
{
    [Description("Requests of the cluster (of the forward role) at once, from the first try to the end of the answer. 1 to 1000000. Default: no limit.")]
    public int? MaxConcurrency { get; init; }

    [Description("Requests that may wait for a place; those beyond get 503. 0 to 1000000, default 0.")]
    public int QueueLength { get; init; }

    [Description("How long a request may wait for a place before it gets 503. 00:00:00.010 to 00:10:00, default 00:00:01.")]
    public TimeSpan QueueTimeout { get; init; } = TimeSpan.FromSeconds(1);
}

/// <summary>Ejection of outliers, judged once per window.</summary>
internal sealed record EjectionOptions
{
    [Description("Share of failures among a destination's tries at which it is ejected. 0.01 to 1; 0 = not for failures. Default: 0.")]
    public double FailureRate { get; init; }

    [Description("How many times slower than the median of the other destinations, on average until the answer's head, makes one an outlier. 1.5 to 1000; "
        + "0 = not for being slow. Default: 0.")]
    public double LatencyFactor { get; init; }

    [Description("A destination that is faster than this on average is never too slow. 00:00:00 to 00:10:00, default 00:00:00.050.")]
    public TimeSpan LatencyFloor { get; init; } = TimeSpan.FromMilliseconds(50);

    [Description("Tries within Window below which nothing is concluded about a destination. 2 to 1000000, default 20.")]
    public int MinimumRequests { get; init; } = 20;

    [Description("How often destinations are judged, by the tries since the last time. 00:00:00.100 to 01:00:00, default 00:00:10.")]
    public TimeSpan Window { get; init; } = TimeSpan.FromSeconds(10);

    [Description("How long an ejected destination stays out; each further time in a row adds as much again. 00:00:00.100 to 1.00:00:00, default 00:00:30.")]
    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(30);

    [Description("Upper bound of Duration's growth. At least Duration, at most 1.00:00:00, default 00:05:00.")]
    public TimeSpan MaxDuration { get; init; } = TimeSpan.FromMinutes(5);

    [Description("Share of a cluster's destinations that may be out before no more are ejected; rounded down, so one destination of a cluster with a single "
        + "one never is. 0 to 1, default 0.5.")]
    public double MaxEjected { get; init; } = 0.5;

    public bool IsOn => FailureRate > 0 || LatencyFactor > 0;
}
