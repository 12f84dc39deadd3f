using PyProxy.Gateway.Traffic;

namespace PyProxy.Gateway.Limits.Bandwidth;

/// <summary>The limits on one exchange's bytes: in each direction the buckets of all plans that limit it.</summary>
internal sealed class ExchangeTransfers(BandwidthBucket[] down, BandwidthBucket[] up, LimitsMetrics metrics, TimeProvider time)
    : ITransferLimiter, IDisposable
{
    private readonly Lane _down = new(down, TransferDirection.Down, metrics, time);
    private readonly Lane _up = new(up, TransferDirection.Up, metrics, time);
    private int _disposed;

    public ValueTask<int> ReserveAsync(TransferDirection direction, CancellationToken cancellationToken)
        => LaneOf(direction).ReserveAsync(cancellationToken);

    public void Moved(TransferDirection direction, int bytes) => LaneOf(direction).Moved(bytes);

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _down.Close();
            _up.Close();
        }
    }

    private Lane LaneOf(TransferDirection direction) => direction == TransferDirection.Down ? _down : _up;

    private sealed class Lane(BandwidthBucket[] buckets, TransferDirection direction, LimitsMetrics metrics, TimeProvider time)
    {
        private readonly TransferTurn _turn = new();
        private int _reserved;

        public ValueTask<int> ReserveAsync(CancellationToken cancellationToken)
        {
            if (buckets.Length == 0)
            {
                return new ValueTask<int>(int.MaxValue);
            }

            return _reserved > 0 ? new ValueTask<int>(_reserved) : ReserveFromAllAsync(cancellationToken);
        }

        public void Moved(int bytes)
        {
            var left = Interlocked.Exchange(ref _reserved, 0) - bytes;
            if (left != 0)
            {
                ReturnToFirst(buckets.Length, left);
            }
        }

        public void Close()
        {
            Moved(0);
            foreach (var bucket in buckets)
            {
                bucket.StopUsing();
            }
        }

        private async ValueTask<int> ReserveFromAllAsync(CancellationToken cancellationToken)
        {
            var taken = int.MaxValue;
            for (var i = 0; i < buckets.Length; i++)
            {
                try
                {
                    var granted = await TakeAsync(buckets[i], taken, cancellationToken);
                    if (i > 0 && granted < taken)
                    {
                        ReturnToFirst(i, taken - granted);
                    }

                    taken = granted;
                }
                catch when (i > 0)
                {
                    ReturnToFirst(i, taken);
                    throw;
                }
            }

            return _reserved = taken;
        }

        private async ValueTask<int> TakeAsync(BandwidthBucket bucket, int wanted, CancellationToken cancellationToken)
        {
            var turn = bucket.TakeAsync(_turn, wanted, cancellationToken);
            if (turn.IsCompleted)
            {
                return await turn;
            }

            var since = time.GetTimestamp();
            try
            {
                return await turn;
            }
            finally
            {
                metrics.Throttled(bucket.Plan, direction, time.GetElapsedTime(since));
            }
        }

        private void ReturnToFirst(int count, int bytes)
        {
            for (var i = 0; i < count; i++)
            {
                buckets[i].Return(bytes);
            }
        }
    }
}
