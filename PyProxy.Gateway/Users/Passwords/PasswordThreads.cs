using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Users.Passwords;

/// <summary>
/// Stretches passwords on threads of their own, as many as there are processors, at low priority, behind a bounded queue. On the pool's
/// threads a flood of wrong passwords would take turns with the proxying of users who are verified already.
/// </summary>
internal sealed partial class PasswordThreads : IDisposable
{
    // At ~50 ms each on two processors the last in the queue waits about 12 s; nobody waits longer for a login.
    private const int MaxWaiting = 512;

    // .NET's thread priorities mean nothing on Linux; nice values do, and there they belong to the thread that sets its own.
    private const int Nice = 10;

    private readonly BlockingCollection<Action> _queue = new(MaxWaiting);
    private readonly Lazy<Thread[]> _threads;

    public PasswordThreads() => _threads = new Lazy<Thread[]>(Start);

    /// <summary>How many wait.</summary>
    public int Waiting => _queue.Count;

    /// <exception cref="ProxyException">More are waiting than will be done in a time that a client waits.</exception>
    public Task<T> RunAsync<T>(Func<T> work, CancellationToken cancellationToken)
    {
        _ = _threads.Value;
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        if (!_queue.TryAdd(Run, millisecondsTimeout: 0, CancellationToken.None))
        {
            throw new ProxyException(new ProxyError(
                StatusCodes.Status503ServiceUnavailable, "connection_limit_reached", Fault.Gateway, "Too many logins are waiting to be verified.")
            {
                RetryAfter = TimeSpan.FromSeconds(5),
            });
        }

        return done.Task;

        void Run()
        {
            if (cancellationToken.IsCancellationRequested)
            {
                done.SetCanceled(cancellationToken); // whoever asked has gone
                return;
            }

            try
            {
                done.SetResult(work());
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        }
    }

    public void Dispose() => _queue.CompleteAdding(); // the threads end by it; the collection is theirs until then

    private Thread[] Start()
    {
        var threads = new Thread[Environment.ProcessorCount];
        for (var i = 0; i < threads.Length; i++)
        {
            threads[i] = new Thread(Work) { IsBackground = true, Name = "Password verification", Priority = ThreadPriority.BelowNormal };
            threads[i].Start();
        }

        return threads;
    }

    private void Work()
    {
        if (OperatingSystem.IsLinux())
        {
            _ = SetPriority(which: 0, who: 0, Nice); // lowering one's own is always allowed; were it not, the work is the same
        }

        foreach (var work in _queue.GetConsumingEnumerable())
        {
            work();
        }
    }

    [LibraryImport("libc", EntryPoint = "setpriority")]
    private static partial int SetPriority(int which, uint who, int priority);
}
