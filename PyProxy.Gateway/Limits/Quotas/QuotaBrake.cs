using PyProxy.Gateway.Limits.Bandwidth;
using PyProxy.Gateway.Limits.Plans;
using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Limits.Quotas;

/// <summary>Slows down what one user moves, over all connections, once a quota that says so is used up; until then it lets everything pass.</summary>
internal sealed class QuotaBrake(TimeProvider time) : IDisposable
{
    private readonly BandwidthBucket _down = new(limit: null, time);
    private readonly BandwidthBucket _up = new(limit: null, time);

    /// <summary>Transfers that run or wait follow.</summary>
    public void Set(BandwidthLimit? limit)
    {
        _down.Change(limit);
        _up.Change(limit);
    }

    public BandwidthBucket Of(TransferDirection direction) => direction == TransferDirection.Down ? _down : _up;

    public void Dispose()
    {
        _down.Dispose();
        _up.Dispose();
    }
}
