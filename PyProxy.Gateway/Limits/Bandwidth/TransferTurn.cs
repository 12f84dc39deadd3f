using System.Threading.Tasks.Sources;

namespace PyProxy.Gateway.Limits.Bandwidth;

/// <summary>One exchange's place in the queue of a bucket, in one direction. Reused: an exchange waits often, but once at a time.</summary>
internal sealed class TransferTurn : IValueTaskSource<int>
{
    // Whoever hands out turns goes on handing out; the exchange goes on elsewhere.
    private ManualResetValueTaskSourceCore<int> _core = new() { RunContinuationsAsynchronously = true };

    /// <summary>The next in the queue. The bucket's, under its lock, like everything here but the task.</summary>
    public TransferTurn? Next { get; set; }

    /// <summary>The bucket in whose queue this is; <see langword="null"/> outside any.</summary>
    public BandwidthBucket? Queue { get; set; }

    public int Wanted { get; private set; }

    public ValueTask<int> Task => new(this, _core.Version);

    public void Begin(BandwidthBucket queue, int wanted)
    {
        _core.Reset();
        (Queue, Wanted) = (queue, wanted);
    }

    public void Grant(int bytes) => _core.SetResult(bytes);

    public void Fail(Exception exception) => _core.SetException(exception);

    int IValueTaskSource<int>.GetResult(short token) => _core.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<int>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<int>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
        => _core.OnCompleted(continuation, state, token, flags);
}
