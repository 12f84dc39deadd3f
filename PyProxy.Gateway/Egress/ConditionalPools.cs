using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Egress;

/// <summary>
/// Gives requests about whose addresses rules have a say pools of their own: one for each condition, so that no connection is used that another
/// condition has let through. Requests without one share the pool that stands for them.
/// </summary>
/// <param name="create">Makes a pool.</param>
internal sealed class ConditionalPools(Func<HttpMessageHandler> create) : HttpMessageHandler
{
    /// <summary>Where a request carries its condition.</summary>
    public static readonly HttpRequestOptionsKey<IAddressCondition> Condition = new("PyProxy.Gateway.AddressCondition");

    // How many conditions there are, the rules say; which of them are in use, the clients do.
    private const int MaxPools = 64;

    private readonly Lock _gate = new();
    private readonly HttpMessageInvoker _unconditional = new(create());
    private readonly Dictionary<IAddressCondition, Pool> _pools = [];
    private long _uses;
    private bool _disposed;

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        => request.Options.TryGetValue(Condition, out var condition)
            ? SendAsync(request, condition, cancellationToken)
            : _unconditional.SendAsync(request, cancellationToken);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            lock (_gate)
            {
                _disposed = true;
                _unconditional.Dispose();
                foreach (var pool in _pools.Values)
                {
                    pool.Invoker.Dispose();
                }

                _pools.Clear();
            }
        }

        base.Dispose(disposing);
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, IAddressCondition condition, CancellationToken cancellationToken)
    {
        var pool = Enter(condition);
        try
        {
            return await pool.Invoker.SendAsync(request, cancellationToken);
        }
        finally
        {
            Leave(pool);
        }
    }

    private Pool Enter(IAddressCondition condition)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (!_pools.TryGetValue(condition, out var pool))
            {
                ForgetOne();
                _pools.Add(condition, pool = new Pool(new HttpMessageInvoker(create())));
            }

            pool.LastUse = ++_uses;
            pool.InUse++;
            return pool;
        }
    }

    private void Leave(Pool pool)
    {
        lock (_gate)
        {
            pool.InUse--;
        }
    }

    /// <summary>Makes room by the pool that has not been used for longest and through which nothing is being sent.</summary>
    private void ForgetOne()
    {
        if (_pools.Count < MaxPools)
        {
            return;
        }

        var (condition, oldest) = _pools.Where(static entry => entry.Value.InUse == 0).MinBy(static entry => entry.Value.LastUse);
        if (oldest is not null)
        {
            _pools.Remove(condition);
            oldest.Invoker.Dispose(); // closes idle connections; responses that are still being read keep theirs until their end
        }
    }

    private sealed class Pool(HttpMessageInvoker invoker)
    {
        public HttpMessageInvoker Invoker { get; } = invoker;

        public long LastUse { get; set; }

        public int InUse { get; set; }
    }
}
