namespace PyProxy.Gateway.Egress;

/// <summary>
/// Sends each request through a handler whose connections were all made under the policy that holds now. A change of policy brings a new
/// handler; the old one is disposed with the last request that was being sent through it, which closes its idle connections. Responses
/// that are still being read keep theirs until their end.
/// </summary>
internal sealed class PolicyBoundHandler(Func<HttpMessageHandler> create, EgressRuntime runtime, ILogger logger) : HttpMessageHandler
{
    private readonly Lock _gate = new();
    private Generation? _current;
    private bool _disposed;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var generation = Enter();
        try
        {
            return await generation.Invoker.SendAsync(request, cancellationToken);
        }
        finally
        {
            Leave(generation);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            lock (_gate)
            {
                _disposed = true;
                Retire();
            }
        }

        base.Dispose(disposing);
    }

    private Generation Enter()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);

            // Read inside the lock: a request that has seen the new policy must not bring the old one back.
            var key = runtime.Current.Pool;
            if (_current?.Key != key)
            {
                if (_current is not null)
                {
                    EgressLog.PoolRetired(logger);
                }

                Retire();
                _current = new Generation(key, new HttpMessageInvoker(create()));
            }

            _current!.InUse++;
            return _current;
        }
    }

    private void Leave(Generation generation)
    {
        lock (_gate)
        {
            generation.InUse--;
            if (generation is { IsRetired: true, InUse: 0 })
            {
                generation.Invoker.Dispose();
            }
        }
    }

    private void Retire()
    {
        if (_current is not { } old)
        {
            return;
        }

        _current = null;
        old.IsRetired = true;
        if (old.InUse == 0)
        {
            old.Invoker.Dispose();
        }
    }

    private sealed class Generation(PoolKey key, HttpMessageInvoker invoker)
    {
        public PoolKey Key { get; } = key;

        public HttpMessageInvoker Invoker { get; } = invoker;

        public int InUse { get; set; }

        public bool IsRetired { get; set; }
    }
}
