using System.Collections.Frozen;
using PyProxy.Gateway.Egress.Profiles;
using PyProxy.Gateway.Egress.Upstreams;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Egress;

/// <summary>Everything that sets one pool of connections apart from another: no connection serves exchanges that differ in any of it.</summary>
/// <param name="Profile">The profile, as one configuration made it.</param>
/// <param name="Source">Where its connections leave from.</param>
/// <param name="Upstream">The upstream proxy that they go to; <see langword="null"/> = to the destinations.</param>
/// <param name="IsParent">Whether the upstream proxy gets requests in absolute form, over connections that all destinations share.</param>
/// <param name="Condition">Under which rules about addresses they were made.</param>
internal sealed record ConnectionPoolKey(
    EgressProfile Profile, SourcePair Source, UpstreamProxy? Upstream = null, bool IsParent = false, IAddressCondition? Condition = null);

/// <summary>
/// Sends each request through the pool of connections that its <see cref="EgressChoice"/> belongs to. Pools that a reload left without a profile
/// are closed; how many there may be is bounded.
/// </summary>
/// <param name="create">Makes a pool.</param>
/// <param name="runtime">Which profiles there are.</param>
internal sealed class EgressPools(Func<ConnectionPoolKey, HttpMessageHandler> create, EgressRuntime runtime) : IDisposable
{
    // How many there can be, profiles and rules say; which of them are in use, the clients do.
    private const int MaxPools = 1024;

    private readonly Lock _gate = new();
    private readonly Dictionary<ConnectionPoolKey, Pool> _pools = [];
    private FrozenDictionary<string, EgressProfile>? _profiles;
    private long _uses;
    private bool _disposed;

    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, ConnectionPoolKey key, CancellationToken cancellationToken)
    {
        var pool = Enter(key);
        try
        {
            return await pool.Invoker.SendAsync(request, cancellationToken);
        }
        finally
        {
            Leave(pool);
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            foreach (var pool in _pools.Values)
            {
                pool.Invoker.Dispose();
            }

            _pools.Clear();
        }
    }

    private Pool Enter(ConnectionPoolKey key)
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            var profiles = runtime.Current.Profiles;
            if (_profiles != profiles)
            {
                _profiles = profiles;
                ForgetProfiles();
            }

            if (!_pools.TryGetValue(key, out var pool))
            {
                ForgetOne();
                _pools.Add(key, pool = new Pool(new HttpMessageInvoker(create(key))));
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
            if (pool is { IsForgotten: true, InUse: 0 })
            {
                pool.Invoker.Dispose();
            }
        }
    }

    /// <summary>Closes the pools of profiles that are no more, or are others by now.</summary>
    private void ForgetProfiles()
    {
        foreach (var key in _pools.Keys.Where(key => _profiles!.GetValueOrDefault(key.Profile.Name) != key.Profile).ToList())
        {
            Forget(key, _pools[key]);
        }
    }

    /// <summary>Makes room by the pool that has not been used for longest.</summary>
    private void ForgetOne()
    {
        if (_pools.Count >= MaxPools)
        {
            var (key, oldest) = _pools.MinBy(static entry => entry.Value.LastUse);
            Forget(key, oldest);
        }
    }

    private void Forget(ConnectionPoolKey key, Pool pool)
    {
        _pools.Remove(key);
        pool.IsForgotten = true;
        if (pool.InUse == 0)
        {
            pool.Invoker.Dispose(); // closes idle connections; responses that are still being read keep theirs until their end
        }
    }

    private sealed class Pool(HttpMessageInvoker invoker)
    {
        public HttpMessageInvoker Invoker { get; } = invoker;

        public long LastUse { get; set; }

        public int InUse { get; set; }

        public bool IsForgotten { get; set; }
    }
}
