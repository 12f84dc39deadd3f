using System.Threading.RateLimiting;
using Polly;
using Polly.Retry;
using Polly.Telemetry;
using Polly.Timeout;

namespace PyProxy.Gateway.Resilience;

/// <summary>
/// A named pipeline as one cluster, or the forward role, has it: Polly's timeout around retries around a timeout per try. It ends with the head
/// of an answer that is good enough; the body behind it is none of its business. Its budget and places are its own.
/// </summary>
internal sealed class RequestPipeline : IDisposable
{
    /// <summary>Set for executions that no clock ends: a body that streams takes its time.</summary>
    public static readonly ResiliencePropertyKey<bool> Untimed = new("PyProxy.Gateway.Untimed");

    private static readonly int[] DefaultFailureStatuses =
        [StatusCodes.Status502BadGateway, StatusCodes.Status503ServiceUnavailable, StatusCodes.Status504GatewayTimeout];

    private readonly ResiliencePipeline<TryOutcome> _pipeline;
    private readonly ConcurrencyLimiter? _places;
    private readonly IReadOnlyList<int> _failureStatuses;
    private readonly TelemetryOptions _telemetry;
    private readonly TimeProvider _time;

    public RequestPipeline(string name, string? cluster, PipelineOptions options, TelemetryOptions telemetry, TimeProvider time)
    {
        Name = name;
        Cluster = cluster;
        Options = options;
        _telemetry = telemetry;
        _time = time;
        _failureStatuses = options.FailureStatuses is { Count: > 0 } statuses ? statuses : DefaultFailureStatuses;
        Budget = new RetryBudget(options.Retry.BudgetShare, options.Retry.BudgetMinimum, time);
        _pipeline = Build();
        if (options.Bulkhead.MaxConcurrency is { } places)
        {
            _places = new ConcurrencyLimiter(new ConcurrencyLimiterOptions
            {
                PermitLimit = places,
                QueueLimit = options.Bulkhead.QueueLength,
                QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
            });
        }
    }

    public string Name { get; }

    /// <summary>The cluster that this instance is of; <see langword="null"/> for the forward role.</summary>
    public string? Cluster { get; }

    public PipelineOptions Options { get; }

    public RetryBudget Budget { get; }

    /// <summary>Whether a destination's status counts as its failure.</summary>
    public bool IsFailure(int status)
    {
        for (var i = 0; i < _failureStatuses.Count; i++)
        {
            if (_failureStatuses[i] == status)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Runs tries until one is not to be followed by another.</summary>
    /// <returns>The last try's outcome, or the exception of a timeout or of a cancellation.</returns>
    public ValueTask<Outcome<TryOutcome>> ExecuteAsync<TState>(
        Func<ResilienceContext, TState, ValueTask<Outcome<TryOutcome>>> attempt, ResilienceContext context, TState state)
        => _pipeline.ExecuteOutcomeAsync(attempt, context, state);

    /// <summary>Takes a place for a request, to be disposed at its end.</summary>
    /// <returns>The place; <see langword="null"/> where there is no limit. One that is not acquired means that there will be none in time.</returns>
    public async ValueTask<RateLimitLease?> EnterAsync(CancellationToken cancellationToken)
    {
        if (_places is null)
        {
            return null;
        }

        var place = _places.AttemptAcquire();
        if (place.IsAcquired || Options.Bulkhead.QueueLength == 0)
        {
            return place;
        }

        using var timeout = new CancellationTokenSource(Options.Bulkhead.QueueTimeout, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            return await _places.AcquireAsync(permitCount: 1, either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return place; // the one that was not acquired
        }
    }

    /// <summary>The breaker of one destination, or <see langword="null"/> where there is none.</summary>
    /// <param name="destination">Its name in telemetry.</param>
    /// <param name="opened">Told for how long the destination is to be left alone.</param>
    /// <param name="closed">Told when it has shown that it works again.</param>
    public DestinationBreaker? CreateBreaker(string destination, Action<TimeSpan> opened, Action closed)
        => Options.CircuitBreaker.FailureRate > 0 ? new DestinationBreaker(Builder(destination), Options.CircuitBreaker, opened, closed) : null;

    public void Dispose() => _places?.Dispose();

    private ResiliencePipeline<TryOutcome> Build()
    {
        var builder = Builder(Cluster);
        if (Options.Timeout > TimeSpan.Zero)
        {
            builder.AddTimeout(Timeout("Timeout", Options.Timeout));
        }

        var retry = Options.Retry;
        if (retry.MaxRetries > 0)
        {
            builder.AddRetry(new RetryStrategyOptions<TryOutcome>
            {
                MaxRetryAttempts = retry.MaxRetries,
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                Delay = retry.Delay,
                MaxDelay = retry.MaxDelay,
                ShouldHandle = static attempt => ValueTask.FromResult(attempt.Outcome.Result.Again),

                // Nothing was sent, so nobody has to be given time.
                DelayGenerator = static attempt => ValueTask.FromResult<TimeSpan?>(
                    attempt.Outcome.Result.Result == TryResult.Rejected ? TimeSpan.Zero : null),
            });
        }

        if (Options.TryTimeout > TimeSpan.Zero)
        {
            builder.AddTimeout(Timeout("TryTimeout", Options.TryTimeout));
        }

        return builder.Build();
    }

    private ResiliencePipelineBuilder<TryOutcome> Builder(string? instance)
    {
        var builder = new ResiliencePipelineBuilder<TryOutcome> { Name = Name, InstanceName = instance, TimeProvider = _time };
        return builder.ConfigureTelemetry(_telemetry);
    }

    private static TimeoutStrategyOptions Timeout(string name, TimeSpan timeout) => new()
    {
        Name = name,
        TimeoutGenerator = arguments => ValueTask.FromResult(
            arguments.Context.Properties.GetValue(Untimed, defaultValue: false) ? System.Threading.Timeout.InfiniteTimeSpan : timeout),
    };
}
