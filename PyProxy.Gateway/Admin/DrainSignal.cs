using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Admin;

internal sealed class DrainSignal : IDrainSignal, IDisposable
{
    private volatile CancellationTokenSource _draining = new();
    private readonly CancellationTokenSource _closing = new();
    private readonly CancellationTokenSource _tunnelDeadline = new();

    public CancellationToken Draining => _draining.Token;

    public CancellationToken Closing => _closing.Token;

    public CancellationToken TunnelDeadline => _tunnelDeadline.Token;

    public void BeginDraining() => _draining.Cancel();

    public void BeginClosing() => _closing.Cancel();

    /// <summary>Takes it back for whoever looks from now on; what was told meanwhile stays told.</summary>
    public void EndDraining()
    {
        if (_draining.IsCancellationRequested)
        {
            _draining = new CancellationTokenSource();
        }
    }

    /// <summary>Asynchronous: thousands of tunnels may be registered, and none of their callbacks may hold up the caller.</summary>
    public Task EndTunnelsAsync() => _tunnelDeadline.CancelAsync();

    public void Dispose()
    {
        _draining.Dispose();
        _closing.Dispose();
        _tunnelDeadline.Dispose();
    }
}
