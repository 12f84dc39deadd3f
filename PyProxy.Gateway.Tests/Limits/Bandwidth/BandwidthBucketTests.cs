using Microsoft.Extensions.Time.Testing;
using PyProxy.Gateway.Limits.Bandwidth;
using PyProxy.Gateway.Limits.Plans;

namespace PyProxy.Gateway.Tests.Limits.Bandwidth;

public sealed class BandwidthBucketTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly BandwidthBucket _bucket;

    public BandwidthBucketTests() => _bucket = new BandwidthBucket(Limit(100_000, burst: 10_000), _time);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _bucket.Dispose();

    [Fact]
    public async Task BurstIsSpent_ThenBytesComeAtTheRate()
    {
        var turn = new TransferTurn();
        long moved = 0;
        ValueTask<int> next;
        while ((next = _bucket.TakeAsync(turn, 64 * 1024, Cancellation)).IsCompleted)
        {
            moved += await next;
        }

        Assert.InRange(moved, 8_000, 10_000);
        for (var i = 0; i < 500; i++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(20)); // a turn's time
            moved += await next;
            next = _bucket.TakeAsync(turn, 64 * 1024, Cancellation);
            Assert.False(next.IsCompleted);
        }

        Assert.Equal(1_010_000, moved); // ten seconds and the burst
    }

    [Fact]
    public async Task Connections_TakeTurns()
    {
        await DrainAsync(); // from here on there is one turn at a time
        var moved = new int[10];
        var turns = moved.Select(_ => new TransferTurn()).ToArray();
        var waits = turns.Select(turn => _bucket.TakeAsync(turn, 64 * 1024, Cancellation).AsTask()).ToArray();
        for (var i = 0; i < 500; i++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(20));
            var next = await Task.WhenAny(waits);
            var c = Array.IndexOf(waits, next);
            moved[c] += await next;
            waits[c] = _bucket.TakeAsync(turns[c], c == 0 ? 64 * 1024 : 2_000, Cancellation).AsTask(); // one asks for more
        }

        Assert.InRange(moved.Max() - moved.Min(), 0, 2 * 2_000);
    }

    [Fact]
    public async Task CancelledWait_LeavesTheQueueToTheOthers()
    {
        await DrainAsync();
        using var cancelled = new CancellationTokenSource();
        var first = _bucket.TakeAsync(new TransferTurn(), 1_000, cancelled.Token).AsTask();
        var second = _bucket.TakeAsync(new TransferTurn(), 1_000, Cancellation).AsTask();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);

        _time.Advance(TimeSpan.FromMilliseconds(15));
        Assert.Equal(1_000, await second.WaitAsync(TimeSpan.FromSeconds(30), Cancellation));
    }

    [Fact]
    public async Task LimitThatIsLifted_LetsThoseWaitingGo()
    {
        await DrainAsync();
        var waiting = _bucket.TakeAsync(new TransferTurn(), 50_000, Cancellation).AsTask();
        _bucket.Change(null);

        Assert.Equal(50_000, await waiting.WaitAsync(TimeSpan.FromSeconds(30), Cancellation));
    }

    [Fact]
    public async Task ChangedLimit_HoldsForThoseWaiting()
    {
        await DrainAsync();
        var waiting = _bucket.TakeAsync(new TransferTurn(), 60_000, Cancellation).AsTask();
        _bucket.Change(Limit(10_000_000, burst: 1_000_000));
        _time.Advance(TimeSpan.FromMilliseconds(10));

        Assert.Equal(60_000, await waiting.WaitAsync(TimeSpan.FromSeconds(30), Cancellation));
    }

    [Fact]
    public async Task Bucket_IsForgottenOnlyWhenFullAndUnused()
    {
        Assert.True(_bucket.TryUse(Limit(100_000, burst: 10_000)));
        Assert.False(_bucket.RetireIfIdle());
        await DrainAsync();
        _bucket.StopUsing();
        Assert.False(_bucket.RetireIfIdle());
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(_bucket.RetireIfIdle());
        Assert.False(_bucket.TryUse(Limit(100_000, burst: 10_000)));
    }

    [Fact]
    public async Task LongIdleness_GivesNoMoreThanTheBurst()
    {
        _time.Advance(TimeSpan.FromHours(1));

        Assert.InRange(await DrainAsync(), 8_000, 10_000);
    }

    private static BandwidthLimit Limit(long rate, long burst) => new("p", "n", rate, burst, LimitKey.User);

    private async Task<int> DrainAsync()
    {
        var drained = 0;
        using var stop = new CancellationTokenSource();
        ValueTask<int> next;
        while ((next = _bucket.TakeAsync(new TransferTurn(), 2_000, stop.Token)).IsCompleted)
        {
            drained += await next;
        }

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await next);
        return drained;
    }
}
