using Polly;
using Polly.CircuitBreaker;

namespace PyProxy.Gateway.Resilience;

/// <summary>The circuit breaker of one destination: Polly's, and whether it is worth asking it.</summary>
internal sealed class DestinationBreaker
{
    private readonly ResiliencePipeline<TryOutcome> _pipeline;
    private readonly CircuitBreakerStateProvider _state = new();

    // Until somebody comes, Polly's state stays Open when the break is over.
    private readonly TimeProvider _time;
    private long _openUntil;

    public DestinationBreaker(
        ResiliencePipelineBuilder<TryOutcome> builder, BreakerOptions options, Action<TimeSpan> opened, Action closed)
    {
        _time = builder.TimeProvider ?? TimeProvider.System;
        _pipeline = builder.AddCircuitBreaker(new CircuitBreakerStrategyOptions<TryOutcome>
        {
            FailureRatio = options.FailureRate,
            MinimumThroughput = options.MinimumRequests,
            SamplingDuration = options.Window,
            BreakDuration = options.BreakDuration,
            StateProvider = _state,
            ShouldHandle = static attempt => ValueTask.FromResult(attempt.Outcome.Result.IsDestinationsFault),
            OnOpened = arguments =>
            {
                Volatile.Write(ref _openUntil, _time.GetTimestamp() + (long)(arguments.BreakDuration.TotalSeconds * _time.TimestampFrequency));
                opened(arguments.BreakDuration);
                return ValueTask.CompletedTask;
            },
            OnClosed = _ =>
            {
                closed();
                return ValueTask.CompletedTask;
            },
        }).Build();
    }

    /// <summary>Whether a request would be rejected now.</summary>
    public bool IsOpen => _state.CircuitState switch
    {
        CircuitState.Closed => false,
        CircuitState.Open => _time.GetTimestamp() < Volatile.Read(ref _openUntil),
        _ => true, // the one request that decides is under way
    };

    /// <returns>The outcome, or a <see cref="BrokenCircuitException"/> where nothing was sent.</returns>
    public ValueTask<Outcome<TryOutcome>> ExecuteAsync<TState>(
        Func<ResilienceContext, TState, ValueTask<Outcome<TryOutcome>>> attempt, ResilienceContext context, TState state)
        => _pipeline.ExecuteOutcomeAsync(attempt, context, state);
}
