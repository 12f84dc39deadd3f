using Polly;
using Polly.Timeout;
using PyProxy.Gateway.Resilience;
using PyProxy.Gateway.Traffic;
using Yarp.ReverseProxy.Forwarder;

namespace PyProxy.Gateway.Http.Tries;

/// <summary>
/// One request on its way through a pipeline: YARP's forwarding step is run as often as the pipeline says. A try is over for the pipeline as
/// soon as the head of an answer is there that is good enough (<see cref="HoldsBack"/>); until then nothing of the answer has gone to the
/// client, and afterwards nothing is repeated.
/// </summary>
#pragma warning disable CA1001 // What it owns lives as long as RunAsync, which disposes of it.
internal abstract class RequestTries(HttpContext context, RequestPipeline pipeline, ResilienceMetrics metrics)
#pragma warning restore CA1001
{
    private readonly CancellationToken _client = context.RequestAborted;
    private readonly Exchange _exchange = Exchange.Of(context);
    private RepeatableRequest _request = null!;
    private CancellationTokenSource? _cancel;
    private TaskCompletionSource<TryOutcome> _outcome = null!;
    private Task _step = Task.CompletedTask;
    private int _tries;
    private bool _isHeldBack;
    private bool _isOutOfTime;

    protected HttpContext Context { get; } = context;

    protected RequestPipeline Pipeline { get; } = pipeline;

    /// <summary>How the try under way went; complete with the answer's head, or with the try's end.</summary>
    protected Task<TryOutcome> Outcome => _outcome.Task;

    /// <summary>The tries of a request that has a pipeline.</summary>
    public static RequestTries? Of(HttpContext context) => context.Features.Get<RequestTries>();

    /// <summary>Runs the request to its end.</summary>
    /// <exception cref="ProxyException">The pipeline itself ended it.</exception>
    public async Task RunAsync()
    {
        // 1. A place, for as long as the exchange lasts.
        using var place = await Pipeline.EnterAsync(_client);
        if (place is { IsAcquired: false })
        {
            metrics.NoPlace(Pipeline);
            throw new ProxyException(TriesErrors.NoPlace(Pipeline.Name));
        }

        Pipeline.Budget.CountRequest();
        Context.Features.Set(this);
        using (_request = new RepeatableRequest(Context, Pipeline.Options.Retry))
        {
            try
            {
                // 2. Tries, until the head of an answer is there or there is nothing left to be tried.
                var outcome = await ExecuteAsync();

                // 3. The answer behind the head.
                await _step;
                if (outcome.Exception is { } exception)
                {
                    throw Explain(exception);
                }
            }
            finally
            {
                _cancel?.Dispose();
            }
        }
    }

    /// <summary>
    /// Asked when the head of a destination's answer is there. True: it is not for the client, another try follows; whoever asks drops the answer.
    /// </summary>
    public bool HoldsBack(int status)
    {
        if (_outcome.Task.IsCompleted)
        {
            return false;
        }

        if (!Pipeline.IsFailure(status))
        {
            Settle(new TryOutcome(TryResult.Answered));
            return false;
        }

        if (TakeAnotherTry())
        {
            _isHeldBack = true; // settled when YARP has let go of the answer
            return true;
        }

        Settle(new TryOutcome(TryResult.FailureStatus));
        return false;
    }

    /// <summary>One try. Whatever forwards does so through <see cref="ForwardAsync"/>.</summary>
    protected abstract Task StepAsync();

    /// <summary>Whether an error of this try may be gone with the next one.</summary>
    protected abstract bool IsWorthAnotherTry(ProxyError error);

    /// <summary>Told of each try's outcome.</summary>
    protected virtual void OnSettled(in TryOutcome outcome)
    {
    }

    /// <summary>The part of a try that sends: its end, if no head came, decides the try.</summary>
    protected async Task ForwardAsync(Func<Task> forward)
    {
        try
        {
            await forward();
        }
        catch
        {
            Settle(new TryOutcome(TryResult.Abandoned));
            throw;
        }

        SettleByError();
    }

    /// <summary>Nothing is sent: the destination that was chosen is not to be asked now.</summary>
    protected void Reject()
    {
        var again = _tries <= Pipeline.Options.Retry.MaxRetries; // nothing was sent: neither method nor budget speak against it
        Settle(new TryOutcome(TryResult.Rejected, again));
        if (!again)
        {
            throw new ProxyException(TriesErrors.CircuitOpen);
        }
    }

    private async ValueTask<Outcome<TryOutcome>> ExecuteAsync()
    {
        var resilience = ResilienceContextPool.Shared.Get(continueOnCapturedContext: false, _client);
        resilience.Properties.Set(RequestPipeline.Untimed, _request.IsStreamed);
        try
        {
            return await Pipeline.ExecuteAsync(static (resilience, tries) => tries.TryAsync(resilience.CancellationToken), resilience, this);
        }
        finally
        {
            ResilienceContextPool.Shared.Return(resilience);
        }
    }

    private async ValueTask<Outcome<TryOutcome>> TryAsync(CancellationToken clock)
    {
        if (_tries++ > 0)
        {
            _request.Rewind();
        }

        _exchange.Attempts = _tries;
        _isHeldBack = false;
        _isOutOfTime = false;
        _outcome = new TaskCompletionSource<TryOutcome>(TaskCreationOptions.RunContinuationsAsynchronously);

        // Not the pipeline's own token: it is reused as soon as the pipeline has ended, and the answer's body still streams then.
        _cancel?.Dispose();
        _cancel = CancellationTokenSource.CreateLinkedTokenSource(_client);
        Context.RequestAborted = _cancel.Token;
        TryOutcome outcome;
        using (clock.UnsafeRegister(static tries => ((RequestTries)tries!).EndTry(), this))
        {
            _step = RunStepAsync();
            outcome = await _outcome.Task;
        }

        if (outcome.Again)
        {
            await _step; // the next one uses the same request and response
        }

        return Polly.Outcome.FromResult(outcome);
    }

    private void EndTry()
    {
        _isOutOfTime = !_client.IsCancellationRequested;
        _cancel!.Cancel();
    }

    private async Task RunStepAsync()
    {
        try
        {
            await StepAsync();
        }
        finally
        {
            Context.RequestAborted = _client;
            SettleByError(); // where it ended before it came to forwarding
        }
    }

    private void SettleByError()
    {
        if (!_outcome.Task.IsCompleted)
        {
            Settle(Judge());
        }
    }

    private TryOutcome Judge()
    {
        if (_isHeldBack)
        {
            return new TryOutcome(TryResult.FailureStatus, Again: true);
        }

        if (_client.IsCancellationRequested || Context.Features.Get<IForwarderErrorFeature>() is not { } failure)
        {
            return new TryOutcome(TryResult.Abandoned);
        }

        var aborted = Context.RequestAborted;
        Context.RequestAborted = _client; // the error is the client's only if the client left
        var error = ForwarderFailure.Classify(failure.Error, failure.Exception, Context);
        Context.RequestAborted = aborted;
        if (error is not { Fault: Fault.Destination } || failure.Error is ForwarderError.NoAvailableDestinations)
        {
            return new TryOutcome(TryResult.Abandoned);
        }

        var again = !Context.Response.HasStarted && IsWorthAnotherTry(error) && TakeAnotherTry();
        return new TryOutcome(_isOutOfTime ? TryResult.TimedOut : TryResult.Failed, again);
    }

    private bool TakeAnotherTry()
    {
        if (_tries > Pipeline.Options.Retry.MaxRetries || !_request.IsRepeatable)
        {
            return false;
        }

        if (Pipeline.Budget.TryTake())
        {
            return true;
        }

        metrics.BudgetExhausted(Pipeline);
        return false;
    }

    private void Settle(in TryOutcome outcome)
    {
        if (!_outcome.Task.IsCompleted)
        {
            metrics.Tried(Pipeline, outcome.Result, isRetry: _tries > 1);
            OnSettled(outcome);
            _outcome.TrySetResult(outcome);
        }
    }

    private Exception Explain(Exception exception)
    {
        if (exception is not TimeoutRejectedException)
        {
            return exception;
        }

        _request.ClearResponse(); // the last try's; the time was up while another one was waited for
        return new ProxyException(TriesErrors.OutOfTime(Pipeline.Name), exception);
    }
}
